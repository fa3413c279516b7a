// Calls MIOpen's own function, cut from its header, with a handle that has nothing but a name.
#include <cstdio>
#include <sstream>
#include <string>

namespace miopen {

static bool StartsWith(const std::string& value, const std::string& start)
{
    return value.compare(0, start.size(), start) == 0;
}

// No variable of the environment is set, whatever the version of MIOpen calls that question.
static bool never() { return false; }
namespace env {
using miopen::never;
} // namespace env
#define disabled(variable) never()
#define IsDisabled(variable) never()

struct Handle
{
    std::string name;
    std::string GetDeviceName() const { return name; }
};

#include "flags.inc"

} // namespace miopen

int main(int, char** arguments)
{
    const miopen::Handle handle{arguments[1]};
    std::printf("%s:%s\n", arguments[1], miopen::get_ck_common_compiler_flag(handle).c_str());
}
