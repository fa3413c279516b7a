// SPDX-License-Identifier: MIT
// Writes a C++ file that holds the given text files as bytes.
// Usage: embed_texts OUTPUT FILE...
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace {

std::string file_name(const std::string& path)
{
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

} // namespace

int main(int count, char** arguments)
{
    if(count < 3)
    {
        std::fprintf(stderr, "usage: embed_texts OUTPUT FILE...\n");
        return 2;
    }

    std::ofstream out(arguments[1], std::ios::binary);
    out << "// Written by embed_texts.\n#include \"kernel_texts.hpp\"\n\nnamespace rdna_selftest {\nnamespace {\n";
    std::string table;
    for(int i = 2; i < count; ++i)
    {
        std::ifstream in(arguments[i], std::ios::binary);
        if(!in)
        {
            std::fprintf(stderr, "embed_texts: cannot read %s\n", arguments[i]);
            return 1;
        }
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        const std::string name = "text" + std::to_string(i - 2);

        out << "const unsigned char " << name << "[] = {";
        std::size_t column = 0;
        for(const char byte : text)
            out << (column++ % 24 == 0 ? "\n" : "") << static_cast<unsigned>(static_cast<unsigned char>(byte)) << ',';
        out << "0};\n";
        table += "    {\"" + file_name(arguments[i]) + "\", reinterpret_cast<const char*>(" + name + "), " +
                 std::to_string(text.size()) + "},\n";
    }
    out << "} // namespace\n\nconst KernelText kernel_texts[] = {\n"
        << table << "};\nconst std::size_t kernel_text_count = " << count - 2 << ";\n} // namespace rdna_selftest\n";
    out.close();
    if(!out)
    {
        std::fprintf(stderr, "embed_texts: cannot write %s\n", arguments[1]);
        return 1;
    }
    return 0;
}
