// SPDX-License-Identifier: MIT
//
// Running and judging.

#include "session.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

static void say(const std::string& line)
{
    std::printf("%s\n", line.c_str());
    std::fflush(stdout);
}

static std::string number(double value)
{
    // Not a number may have a sign, which says nothing.
    if(std::isnan(value))
        return "nan";
    char text[32];
    std::snprintf(text, sizeof(text), "%.9g", value);
    return text;
}

static std::string told(const Refusal& refusal)
{
    return "status " + std::to_string(refusal.status) + ", " + refusal.text + ", in " + refusal.function;
}

Session::Session()
{
    try
    {
        int count = 0;
        CALL(hipGetDeviceCount, &count);
        hipDeviceProp_t properties;
        CALL(hipGetDeviceProperties, &properties, 0);
        // From gfx10 on HIP counts pairs of compute units.
        const int pair = std::strncmp(properties.gcnArchName, "gfx1", 4) == 0 ? 2 : 1;
        say(std::string("device: ") + properties.gcnArchName + " | " + properties.name + " | " +
            std::to_string(properties.multiProcessorCount * pair) + " compute units");
        CALL(miopenCreate, &handle);
    }
    catch(const Refusal& refusal)
    {
        say("refused: device: " + told(refusal));
        throw NoDevice{refusal};
    }
}

Session::~Session()
{
    if(handle != nullptr)
        (void)miopenDestroy(handle);
}

void Session::settle()
{
    if(held)
    {
        ++bad;
        say("refused: " + held_what + ": " + held_text);
    }
    held = false;
}

void Session::announce(const std::string& what)
{
    settle();
    if(announced++ == 0)
        libraries.tell();
    say("run: " + what);
}

void Session::refused(const std::string& what, const Refusal& refusal)
{
    held = true;
    held_what = what;
    held_text = told(refusal);
    if(!refusal.unsupported || announced > 1)
        settle();
}

void Session::wrong(const std::string& what, const std::string& why)
{
    ++bad;
    say("wrong: " + what + ": " + why);
}

void Session::nothing(const std::string& why)
{
    if(why_nothing.empty())
        why_nothing = why;
}

static std::string index(std::size_t place, const std::vector<int>& lengths)
{
    std::string text;
    for(std::size_t i = lengths.size(); i-- > 0;)
    {
        const auto length = static_cast<std::size_t>(lengths[i]);
        text = std::to_string(place % length) + (text.empty() ? "" : ",") + text;
        place /= length;
    }
    return text;
}

bool Session::judge(const std::string& what, const Output& output, bool kept)
{
    const Tensor& tensor = *output.tensor;
    const Bytes bytes = tensor.memory.get();
    const Values got = decode(tensor.type, bytes);
    const std::size_t width = size_of(tensor.type);
    std::size_t off = 0, unwritten = 0, first = 0;
    double error = 0;
    for(std::size_t i = 0; i < got.size(); ++i)
    {
        const double distance = std::fabs(got[i] - output.want[i]);
        // Not a number is not within the tolerance either.
        if(!(distance <= output.tolerance) && off++ == 0)
            first = i;
        error = std::max(error, distance);
        const auto start = bytes.begin() + static_cast<std::ptrdiff_t>(i * width);
        unwritten += std::all_of(start, start + static_cast<std::ptrdiff_t>(width),
                                 [](unsigned char byte) { return byte == 0xff; });
    }
    if(off > 0)
    {
        wrong(what, std::to_string(off) + " of " + std::to_string(got.size()) + " values, " + std::to_string(unwritten) +
                        " unwritten, first at " + index(first, tensor.lengths) + ": " + number(got[first]) +
                        " instead of " + number(output.want[first]));
        return false;
    }
    if(!tensor.memory.guarded())
    {
        wrong(what, "wrote behind the output");
        return false;
    }
    // What wrote where it must not is not right, whatever it computed.
    if(!kept)
        return false;
    ++right;
    say("right: " + what + ": largest error " + number(error) + " of " + number(output.tolerance));
    return true;
}

bool Session::guard(const std::string& what, const Run& run, const Memory& workspace)
{
    if(!workspace.guarded())
    {
        wrong(what, "wrote behind the workspace");
        return false;
    }
    for(const Tensor* input : run.inputs)
        if(!input->kept() || !input->memory.guarded())
        {
            wrong(what, input->kept() ? "wrote behind an input" : "wrote into an input");
            return false;
        }
    return true;
}

bool Session::run(const Run& run, const std::function<void()>& launch)
{
    return this->run(run, [] { return std::size_t(0); }, [&](const Memory&) { launch(); });
}

bool Session::run(const Run& run, const std::function<std::size_t()>& bytes,
                  const std::function<void(const Memory& workspace)>& launch)
{
    // More than one output: each has a line of its own, and the launch belongs to the first.
    const auto name = [&](const Output& output) {
        return run.outputs.size() == 1 ? run.what : run.what + ", " + output.name;
    };
    std::string what = name(*run.outputs.front());
    announce(what);
    try
    {
        for(Output* output : run.outputs)
        {
            output->tensor->memory.wipe();
            if(!output->before.empty())
                output->tensor->put(output->before);
        }
        const Memory workspace(bytes());
        // Find runs solutions in streams of its own, which do not wait for the fills.
        CALL(hipDeviceSynchronize, );
        launch(workspace);
        CALL(hipDeviceSynchronize, );
        const bool kept = guard(what, run, workspace);
        bool all = kept;
        for(const Output* output : run.outputs)
        {
            if(output != run.outputs.front())
                announce(what = name(*output));
            all = judge(what, *output, kept || output != run.outputs.front()) && all;
        }
        return all;
    }
    catch(const Refusal& refusal)
    {
        refused(what, refusal);
        return false;
    }
}

void Session::asked(const Run& run, const std::function<std::size_t()>& bytes,
                    const std::function<void(const Memory& workspace)>& call)
{
    announce(run.what);
    try
    {
        const Memory workspace(bytes());
        CALL(hipDeviceSynchronize, );
        call(workspace);
        CALL(hipDeviceSynchronize, );
        if(!guard(run.what, run, workspace))
            return;
        ++right;
        say("right: " + run.what + ": it answered");
    }
    catch(const Refusal& refusal)
    {
        refused(run.what, refusal);
    }
}

int Session::end()
{
    libraries.tell();
    if(announced > 1)
        settle();
    if(bad > 0)
        return 1;
    if(right > 0)
        return 0;
    say("nothing: " + (held ? held_what + ": " + held_text : why_nothing.empty() ? "nothing was run" : why_nothing));
    return 77;
}
