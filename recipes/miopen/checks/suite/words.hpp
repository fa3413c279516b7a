// SPDX-License-Identifier: MIT
//
// What was typed: words in order, then words with an equals sign in any order.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "number.hpp"

// Thrown where the words make no sense; says what is expected.
struct Usage
{
    std::string text;
};

class Words
{
public:
    Words(int count, char** words);

    // The next word without an equals sign, one of those given.
    std::string one_of(const std::vector<std::string>& choices);
    Type type();

    // A whole number by its name. Without `otherwise` it must be there.
    int number(const std::string& name, int least = 1);
    int number_or(const std::string& name, int otherwise, int least = 0);
    std::string text_or(const std::string& name, const std::string& otherwise);

    // Nothing is left over.
    void end() const;

private:
    std::vector<std::string> plain;
    std::size_t next = 0;
    std::map<std::string, std::string> named;
};
