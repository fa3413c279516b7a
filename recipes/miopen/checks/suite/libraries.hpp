// SPDX-License-Identifier: MIT
//
// Which ROCm libraries this process really runs with. Several of them are often on one machine, and the one that was meant
// is not always the one that was loaded.

#pragma once

#include <set>
#include <string>

class Libraries
{
public:
    // One line on stdout for each that was not told before.
    void tell();

private:
    std::set<std::string> told;
};
