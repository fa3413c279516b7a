// SPDX-License-Identifier: MIT
//
// Convolution in one direction: by every solution that immediate mode offers, one after the other, then by Find and the
// algorithms that it found.

#include "convolution.hpp"

#include "operations.hpp"
#include "session.hpp"
#include "solvers.hpp"

namespace {

// The three directions have the same calls under other names: two tensors in, one out.
struct Direction
{
    const char* prefix;
    decltype(&miopenConvolutionForwardGetSolutionCount) count;
    decltype(&miopenConvolutionForwardGetSolution) solutions;
    decltype(&miopenConvolutionForwardGetSolutionWorkspaceSize) solution_bytes;
    decltype(&miopenConvolutionForwardCompileSolution) compile;
    decltype(&miopenConvolutionForwardImmediate) immediate;
    decltype(&miopenConvolutionForwardGetWorkSpaceSize) find_bytes;
    const char* find_name;
    decltype(&miopenFindConvolutionForwardAlgorithm) find;
};

const Direction forward{"miopenConvolutionForward",
                        miopenConvolutionForwardGetSolutionCount,
                        miopenConvolutionForwardGetSolution,
                        miopenConvolutionForwardGetSolutionWorkspaceSize,
                        miopenConvolutionForwardCompileSolution,
                        miopenConvolutionForwardImmediate,
                        miopenConvolutionForwardGetWorkSpaceSize,
                        "miopenFindConvolutionForwardAlgorithm",
                        miopenFindConvolutionForwardAlgorithm};
const Direction backward_data{"miopenConvolutionBackwardData",
                              miopenConvolutionBackwardDataGetSolutionCount,
                              miopenConvolutionBackwardDataGetSolution,
                              miopenConvolutionBackwardDataGetSolutionWorkspaceSize,
                              miopenConvolutionBackwardDataCompileSolution,
                              miopenConvolutionBackwardDataImmediate,
                              miopenConvolutionBackwardDataGetWorkSpaceSize,
                              "miopenFindConvolutionBackwardDataAlgorithm",
                              miopenFindConvolutionBackwardDataAlgorithm};
const Direction backward_weights{"miopenConvolutionBackwardWeights",
                                 miopenConvolutionBackwardWeightsGetSolutionCount,
                                 miopenConvolutionBackwardWeightsGetSolution,
                                 miopenConvolutionBackwardWeightsGetSolutionWorkspaceSize,
                                 miopenConvolutionBackwardWeightsCompileSolution,
                                 miopenConvolutionBackwardWeightsImmediate,
                                 miopenConvolutionBackwardWeightsGetWorkSpaceSize,
                                 "miopenFindConvolutionBackwardWeightsAlgorithm",
                                 miopenFindConvolutionBackwardWeightsAlgorithm};

class Case
{
public:
    Case(Session& session, const Direction& direction, const ConvolutionShape& shape, const Tensor& first,
         const Tensor& second, Output& output)
        : session(session), direction(direction), convolution(shape), first(first), second(second), output(output)
    {
    }

    void immediate(std::uint64_t only)
    {
        for(const std::uint64_t id : only != 0 ? std::vector<std::uint64_t>{only} : offered())
            session.run(
                run("immediate " + solution_name(id)),
                [&] {
                    std::size_t bytes = 0;
                    check(direction.solution_bytes(session.handle, first.descriptor, second.descriptor,
                                                   convolution.descriptor, output.tensor->descriptor, id, &bytes),
                          name("GetSolutionWorkspaceSize"));
                    return bytes;
                },
                [&](const Memory& workspace) {
                    check(direction.compile(session.handle, first.descriptor, second.descriptor, convolution.descriptor,
                                            output.tensor->descriptor, id),
                          name("CompileSolution"));
                    check(direction.immediate(session.handle, first.descriptor, first.place(), second.descriptor,
                                              second.place(), convolution.descriptor, output.tensor->descriptor,
                                              output.tensor->place(), workspace.place(), workspace.bytes(), id),
                          name("Immediate"));
                });
    }

    void find()
    {
        const auto bytes = [&] {
            std::size_t size = 0;
            check(direction.find_bytes(session.handle, first.descriptor, second.descriptor, convolution.descriptor,
                                       output.tensor->descriptor, &size),
                  name("GetWorkSpaceSize"));
            return size;
        };
        const std::vector<miopenConvAlgoPerf_t> found = session.ask<std::vector<miopenConvAlgoPerf_t>>(
            run("find"), bytes, [&](const Memory& workspace) {
                miopenConvAlgoPerf_t results[4];
                int count = 0;
                const Tensor &a = leading(), &b = other();
                check(direction.find(session.handle, a.descriptor, a.place(), b.descriptor, b.place(),
                                     convolution.descriptor, output.tensor->descriptor, output.tensor->place(), 4, &count,
                                     results, workspace.place(), workspace.bytes(), false),
                      direction.find_name);
                if(count == 0)
                    throw Refusal{0, "nothing was found", direction.find_name, true};
                return std::vector<miopenConvAlgoPerf_t>(results, results + count);
            });
        // What Find leaves in the output is not said to be a result: each algorithm that it found is run by itself.
        for(const miopenConvAlgoPerf_t& one : found)
            session.run(
                run("find, " + algorithm(one)), [&] { return one.memory; },
                [&](const Memory& workspace) { by_algorithm(one, workspace); });
    }

private:
    Run run(const std::string& what) const { return {what, {&output}, {&first, &second}}; }
    std::string name(const char* call) const { return std::string(direction.prefix) + call; }

    // Immediate mode takes the filter first when it goes forward, all other calls take the image.
    const Tensor& leading() const { return &direction == &forward ? second : first; }
    const Tensor& other() const { return &direction == &forward ? first : second; }

    std::vector<std::uint64_t> offered()
    {
        std::vector<miopenConvSolution_t> solutions;
        try
        {
            std::size_t count = 0;
            check(direction.count(session.handle, first.descriptor, second.descriptor, convolution.descriptor,
                                  output.tensor->descriptor, &count),
                  name("GetSolutionCount"));
            solutions.resize(count);
            if(count > 0)
                check(direction.solutions(session.handle, first.descriptor, second.descriptor, convolution.descriptor,
                                          output.tensor->descriptor, count, &count, solutions.data()),
                      name("GetSolution"));
            solutions.resize(count);
        }
        catch(const Refusal& refusal)
        {
            // "Not implemented" is how MIOpen says that it offers none.
            if(!refusal.unsupported)
            {
                session.announce("immediate");
                session.refused("immediate", refusal);
                return {};
            }
        }
        std::vector<std::uint64_t> ids;
        for(const miopenConvSolution_t& solution : solutions)
            ids.push_back(solution.solution_id);
        if(ids.empty())
            session.nothing("immediate mode offers no solution");
        return ids;
    }

    void by_algorithm(const miopenConvAlgoPerf_t& found, const Memory& workspace)
    {
        const float one = 1, zero = 0;
        const Tensor &a = leading(), &b = other(), &out = *output.tensor;
        if(&direction == &forward)
            CALL(miopenConvolutionForward, session.handle, &one, a.descriptor, a.place(), b.descriptor, b.place(),
                 convolution.descriptor, found.fwd_algo, &zero, out.descriptor, out.place(), workspace.place(),
                 workspace.bytes());
        else if(&direction == &backward_data)
            CALL(miopenConvolutionBackwardData, session.handle, &one, a.descriptor, a.place(), b.descriptor, b.place(),
                 convolution.descriptor, found.bwd_data_algo, &zero, out.descriptor, out.place(), workspace.place(),
                 workspace.bytes());
        else
            CALL(miopenConvolutionBackwardWeights, session.handle, &one, a.descriptor, a.place(), b.descriptor, b.place(),
                 convolution.descriptor, found.bwd_weights_algo, &zero, out.descriptor, out.place(), workspace.place(),
                 workspace.bytes());
    }

    // The numbers are the same in the three directions.
    static std::string algorithm(const miopenConvAlgoPerf_t& found)
    {
        switch(static_cast<int>(found.fwd_algo))
        {
        case miopenConvolutionFwdAlgoGEMM: return "gemm";
        case miopenConvolutionFwdAlgoDirect: return "direct";
        case miopenConvolutionFwdAlgoFFT: return "fft";
        case miopenConvolutionFwdAlgoWinograd: return "winograd";
        case miopenConvolutionFwdAlgoImplicitGEMM: return "implicit gemm";
        default: return "algorithm " + std::to_string(found.fwd_algo);
        }
    }

    Session& session;
    const Direction& direction;
    const Convolution convolution;
    const Tensor &first, &second;
    Output& output;
};

} // namespace

int convolution(Words& words)
{
    const std::string name = words.one_of({"forward", "backward-data", "backward-weights"});
    const Type type = words.type();
    const ConvolutionShape s = convolution_shape(words);
    const int only = words.number_or("only", 0, 1);
    const std::string skip = words.text_or("skip", "");
    if(skip != "" && skip != "find" && skip != "immediate")
        throw Usage{"skip= takes find or immediate"};
    words.end();

    // The gradient of the output is like an image where it meets filters, and like a filter where it meets images.
    const bool ahead = name == "forward", data = name == "backward-data";
    const std::vector<int> lengths[] = {ahead ? s.filter() : s.output(), data ? s.filter() : s.input(),
                                        ahead ? s.output() : data ? s.input() : s.filter()};
    const Values first = data ? convolution_images(volume(lengths[0])) : convolution_filters(volume(lengths[0]));
    const Values second = data ? convolution_filters(volume(lengths[1])) : convolution_images(volume(lengths[1]));
    const Values want = ahead  ? convolution_forward(s, second, first)
                        : data ? convolution_backward_data(s, first, second)
                               : convolution_backward_weights(s, first, second);
    const std::size_t area = volume({s.y, s.x});
    const std::size_t products = ahead  ? area * static_cast<std::size_t>(s.c / s.groups)
                                 : data ? area * static_cast<std::size_t>(s.k / s.groups)
                                        : volume({s.n, s.out_h(), s.out_w()});

    Session session;
    const Tensor a(type, lengths[0], first), b(type, lengths[1], second);
    Tensor result(type, lengths[2]);
    Output output{"output", &result, want, convolution_tolerance(type, products, want)};
    Case test(session, ahead ? forward : data ? backward_data : backward_weights, s, a, b, output);
    if(skip != "immediate")
        test.immediate(static_cast<std::uint64_t>(only));
    // Find chooses by itself: one solution is asked of immediate mode only.
    if(skip != "find" && only == 0)
        test.find();
    return session.end();
}
