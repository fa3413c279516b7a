// SPDX-License-Identifier: MIT
//
// Reading of /proc/self/maps.

#include "libraries.hpp"

#include <cstdio>
#include <fstream>

static const char* const wanted[] = {"libMIOpen", "librocblas",  "libamdhip64",
                                     "libhsa-runtime64", "libamd_comgr", "libhiprtc"};

void Libraries::tell()
{
    std::ifstream maps("/proc/self/maps");
    for(std::string line; std::getline(maps, line);)
    {
        const std::size_t start = line.find('/');
        if(start == std::string::npos)
            continue;
        const std::string path = line.substr(start);
        const std::string file = path.substr(path.rfind('/') + 1);
        for(const char* const name : wanted)
            if(file.rfind(std::string(name) + ".so", 0) == 0 && told.insert(path).second)
                std::printf("library: %s\n", path.c_str());
    }
    std::fflush(stdout);
}
