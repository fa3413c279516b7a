// SPDX-License-Identifier: MIT
//
// Reading of the words.

#include "words.hpp"

#include <cerrno>
#include <climits>
#include <cstdlib>

Words::Words(int count, char** words)
{
    for(int i = 0; i < count; ++i)
    {
        const std::string word = words[i];
        const std::size_t equals = word.find('=');
        if(equals == std::string::npos)
            plain.push_back(word);
        else if(!named.emplace(word.substr(0, equals), word.substr(equals + 1)).second)
            throw Usage{word.substr(0, equals) + " is given twice"};
    }
}

std::string Words::one_of(const std::vector<std::string>& choices)
{
    std::string list;
    for(const std::string& choice : choices)
    {
        if(next < plain.size() && plain[next] == choice)
            return plain[next++];
        list += (list.empty() ? "" : ", ") + choice;
    }
    throw Usage{(next < plain.size() ? "instead of '" + plain[next] + "'" : "at the end of the words") +
                ", one of these is expected: " + list};
}

Type Words::type() { return one_of({"fp32", "fp16"}) == "fp32" ? Type::fp32 : Type::fp16; }

static int whole(const std::string& name, const std::string& text, int least)
{
    char* rest = nullptr;
    errno = 0;
    const long value = std::strtol(text.c_str(), &rest, 10);
    if(text.empty() || *rest != '\0' || errno != 0 || value < least || value > INT_MAX)
        throw Usage{name + "=" + text + ": a whole number from " + std::to_string(least) + " on is expected"};
    return static_cast<int>(value);
}

int Words::number(const std::string& name, int least)
{
    const auto found = named.find(name);
    if(found == named.end())
        throw Usage{"a word " + name + "=NUMBER is expected"};
    const int value = whole(name, found->second, least);
    named.erase(found);
    return value;
}

int Words::number_or(const std::string& name, int otherwise, int least)
{
    return named.count(name) == 0 ? otherwise : number(name, least);
}

std::string Words::text_or(const std::string& name, const std::string& otherwise)
{
    const auto found = named.find(name);
    if(found == named.end())
        return otherwise;
    const std::string text = found->second;
    named.erase(found);
    return text;
}

void Words::end() const
{
    if(next < plain.size())
        throw Usage{"'" + plain[next] + "' is one word too many"};
    if(!named.empty())
        throw Usage{"a word " + named.begin()->first + "=… is not expected here"};
}
