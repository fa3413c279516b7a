// SPDX-License-Identifier: MIT
//
// A session with the card: what is run, and what is said about it on stdout. Every line is flushed, so that the last one
// tells what ran when a process dies.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "device.hpp"
#include "libraries.hpp"

// The card or MIOpen could not even be opened.
struct NoDevice
{
    Refusal refusal;
};

// What a run must write: the values, and how far from them it may end.
struct Output
{
    std::string name;
    Tensor* tensor;
    Values want;
    double tolerance;
    // What it holds before the run, where the primitive changes it in place.
    Values before = {};
};

struct Run
{
    std::string what;
    std::vector<Output*> outputs;
    std::vector<const Tensor*> inputs;
};

class Session
{
public:
    Session();
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    miopenHandle_t handle = nullptr;

    // Fills outputs and a workspace with 0xff, runs, and judges each output. True where all is right. How many bytes the
    // workspace has is asked once the run is announced.
    bool run(const Run& run, const std::function<std::size_t()>& bytes,
             const std::function<void(const Memory& workspace)>& launch);
    bool run(const Run& run, const std::function<void()>& launch);

    // A call that answers something and computes nothing that could be compared. What it must not write is looked at; empty
    // where it was refused.
    template <typename Answer>
    Answer ask(const Run& run, const std::function<std::size_t()>& bytes,
               const std::function<Answer(const Memory& workspace)>& call)
    {
        Answer answer;
        asked(run, bytes, [&](const Memory& workspace) { answer = call(workspace); });
        return answer;
    }

    // For what is asked without running anything.
    void announce(const std::string& what);
    void refused(const std::string& what, const Refusal& refusal);
    void wrong(const std::string& what, const std::string& why);

    // Remembered, and said at the end if there is nothing else to say.
    void nothing(const std::string& why);

    // The last lines, and the process's exit code.
    int end();

private:
    void asked(const Run& run, const std::function<std::size_t()>& bytes,
               const std::function<void(const Memory& workspace)>& call);
    bool judge(const std::string& what, const Output& output, bool kept);
    bool guard(const std::string& what, const Run& run, const Memory& workspace);
    void settle();

    Libraries libraries;
    std::size_t announced = 0, right = 0, bad = 0;
    std::string why_nothing;
    // The refusal of what MIOpen does not support is held back: if nothing else is run, it is no failure.
    std::string held_what, held_text;
    bool held = false;
};
