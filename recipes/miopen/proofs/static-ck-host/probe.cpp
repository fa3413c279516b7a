// Calls MIOpen's own decisions, cut from its header, with a handle that has nothing but a name.
#include <cstdio>
#include <string>

static bool StartsWith(const std::string& value, const std::string& start)
{
    return value.compare(0, start.size(), start) == 0;
}

struct Handle
{
    std::string name;
    std::string GetDeviceName() const { return name; }
};

struct ExecutionContext
{
    Handle handle;
    const Handle& GetStream() const { return handle; }
};

// What MIOpen 2.20 calls it.
using ConvolutionContext = ExecutionContext;

#include "decisions.inc"

int main()
{
    for(const char* name : {"gfx803",
                            "gfx900",
                            "gfx906",
                            "gfx908",
                            "gfx90a",
                            "gfx942",
                            "gfx1010",
                            "gfx1011",
                            "gfx1012",
                            "gfx1030",
                            "gfx1031",
                            "gfx1100",
                            "gfx1101",
                            "gfx1102",
                            "gfx1200",
                            "gfx1201"})
    {
        const ExecutionContext context{{name}};
        std::printf("%s: buffer addressing %d, v_fmac %d\n",
                    name,
                    is_use_amd_buffer_load_store(context),
                    is_use_v_fmac_f32(context));
    }
}
