// SPDX-License-Identifier: MIT
//
//     compile ConvOcl|ConvHip SAMPLES
//
// Has MIOpen compile the kernels of the solvers in OpenCL or of static Composable Kernel that stand behind its list of devices
// for deprecated solvers, for the chip of the handle: those of each solver's own choice for a convolution, and in fp32 of up
// to SAMPLES other sets of its tuning parameters, evenly taken from all that the solver says are valid. It asks the solvers
// themselves, by MIOpen's own headers: the public interface compiles one set only.

#include <miopen/any_solver.hpp>
#include <miopen/conv/problem_description.hpp>
#include <miopen/convolution.hpp>
#include <miopen/execution_context.hpp>
#include <miopen/handle.hpp>
#include <miopen/mlo_internal.hpp>
#include <miopen/solver_id.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using miopen::conv::Direction;
using miopen::conv::ProblemDescription;
using miopen::solver::AnySolver;
using miopen::solver::ConvSolution;

static const std::vector<std::string> names = {
    "ConvOclDirectFwd",
    "ConvOclDirectFwd11x11",
    "ConvOclDirectFwd1x1",
    "ConvOclDirectFwdGen",
    "ConvOclBwdWrW2<1>",
    "ConvOclBwdWrW2<2>",
    "ConvOclBwdWrW2<4>",
    "ConvOclBwdWrW2<8>",
    "ConvOclBwdWrW2<16>",
    "ConvOclBwdWrW2NonTunable",
    "ConvOclBwdWrW53",
    "ConvOclBwdWrW1x1",
    "ConvHipImplicitGemmV4R1Fwd",
    "ConvHipImplicitGemmV4R4Fwd",
    "ConvHipImplicitGemmBwdDataV1R1",
    "ConvHipImplicitGemmBwdDataV4R1",
    "ConvHipImplicitGemmV4R1WrW",
    "ConvHipImplicitGemmV4R4WrW",
};

struct Shape
{
    std::size_t batch, in, out, size, filter;
    int stride, groups;
    // 2 or 3
    std::size_t dimensions;
};

static const std::vector<Shape> shapes = {
    {16, 64, 64, 28, 3, 1, 1, 2},
    {16, 32, 128, 14, 1, 1, 1, 2},
    {8, 16, 32, 32, 5, 2, 1, 2},
    {1, 8, 24, 27, 5, 1, 1, 2},
    {8, 3, 64, 64, 7, 2, 1, 2},
    {4, 3, 32, 67, 11, 4, 1, 2},
    {16, 32, 32, 16, 3, 1, 4, 2},
    {8, 32, 32, 8, 3, 1, 1, 3},
};

static const std::vector<std::pair<miopenDataType_t, std::string>> types = {
    {miopenFloat, "fp32"}, {miopenHalf, "fp16"}, {miopenBFloat16, "bf16"}};

static ProblemDescription problem_of(const Shape& shape, miopenDataType_t type, Direction direction)
{
    const auto d = shape.dimensions;
    const std::vector<int> pad(d, int(shape.filter / 2)), stride(d, shape.stride), dilation(d, 1);
    const miopen::ConvolutionDescriptor convolution{
        d, miopenConvolution, miopenPaddingDefault, pad, stride, dilation, std::vector<int>(d, 0), shape.groups};
    const auto lengths = [&](std::size_t first, std::size_t second, std::size_t side) {
        std::vector<std::size_t> all{first, second};
        all.insert(all.end(), d, side);
        return all;
    };
    const auto side = (shape.size + 2 * (shape.filter / 2) - shape.filter) / shape.stride + 1;
    const miopen::TensorDescriptor x{type, lengths(shape.batch, shape.in, shape.size)};
    const miopen::TensorDescriptor w{type, lengths(shape.out, shape.in / shape.groups, shape.filter)};
    const miopen::TensorDescriptor y{type, lengths(shape.batch, shape.out, side)};
    return direction == Direction::Forward ? ProblemDescription{x, w, y, convolution, direction}
                                           : ProblemDescription{y, w, x, convolution, direction};
}

// Sets of parameters of the solvers that cannot list theirs, as their own search goes through them.
static std::vector<std::string> legacy_parameters()
{
    std::vector<std::string> all;
    for(const int tile : {8, 16, 32})
        for(const int pixels : {1, 2, 4})
            for(const int out : {1, 2, 4, 8})
                for(const int in : {1, 2, 4})
                    for(const int stacks : {1, 2})
                    {
                        std::ostringstream text;
                        text << tile / pixels << ',' << tile / pixels << ',' << tile << ',' << tile << ',' << pixels << ','
                             << pixels << ',' << out << ',' << in << ',' << stacks;
                        all.push_back(text.str());
                    }
    return all;
}

// Up to `count` of `all`, the first and the last among them.
template <class T>
static std::vector<T> sample(const std::vector<T>& all, std::size_t count)
{
    if(all.size() <= count)
        return all;
    std::vector<T> some;
    for(std::size_t i = 0; i < count; ++i)
        some.push_back(all[count == 1 ? 0 : i * (all.size() - 1) / (count - 1)]);
    return some;
}

static std::vector<ConvSolution> solutions(const std::string& name,
                                           const AnySolver& solver,
                                           const miopen::ExecutionContext& context,
                                           const ProblemDescription& problem,
                                           std::size_t samples)
{
    auto database = miopen::GetDb(context);
    std::vector<ConvSolution> found{solver.FindSolution(context, problem, database, {})};
    if(samples == 0 || !solver.IsTunable())
        return found;
    if(name == "ConvOclDirectFwd" || name == "ConvOclDirectFwd1x1")
    {
        std::vector<std::string> valid;
        for(const auto& parameters : legacy_parameters())
            if(solver.TestPerfCfgParams(context, problem, parameters))
                valid.push_back(parameters);
        for(const auto& parameters : sample(valid, samples))
            found.push_back(solver.FindSolution(context, problem, database, {}, parameters));
    }
    else
    {
        for(const auto& solution : sample(solver.GetAllSolutions(context, problem), samples))
            found.push_back(solution);
    }
    return found;
}

// A file and its options.
using Kernel = std::pair<std::string, std::string>;

static bool compiles(miopen::Handle& handle, const std::string& solver, const miopen::solver::KernelInfo& kernel)
{
    try
    {
        handle.AddKernel(
            "", "", kernel.kernel_file, kernel.kernel_name, kernel.l_wk, kernel.g_wk, kernel.comp_options);
        return true;
    }
    catch(const std::exception& error)
    {
        std::cout << "does not compile: " << handle.GetDeviceName() << ' ' << solver << ' ' << kernel.kernel_file << ' '
                  << kernel.comp_options << ": " << error.what() << '\n';
        return false;
    }
}

int main(int count, char** words)
{
    if(count != 3)
        return 2;
    const std::string family  = words[1];
    const std::size_t samples = std::strtoul(words[2], nullptr, 10);
    miopen::Handle handle;
    std::size_t offered = 0, all = 0, failed = 0;
    for(const auto& name : names)
    {
        if(name.compare(0, family.size(), family) != 0)
            continue;
        const auto solver = miopen::solver::Id{name}.GetSolver();
        std::ostringstream line;
        for(const auto& [type, type_name] : types)
        {
            std::set<Kernel> kernels;
            for(const auto& shape : shapes)
                for(const auto direction : {Direction::Forward, Direction::BackwardData, Direction::BackwardWeights})
                {
                    const auto problem = problem_of(shape, type, direction);
                    miopen::ExecutionContext context{&handle};
                    problem.SetupFloats(context);
                    if(!solver.IsApplicable(context, problem))
                        continue;
                    const auto others = type == miopenFloat ? samples : 0;
                    for(const auto& solution : solutions(name, solver, context, problem, others))
                        for(const auto& kernel : solution.construction_params)
                            if(kernels.emplace(kernel.kernel_file.string(), kernel.comp_options).second)
                                failed += !compiles(handle, name, kernel);
                }
            all += kernels.size();
            if(!kernels.empty())
                line << (line.str().empty() ? ": kernels " : ", ") << kernels.size() << " in " << type_name;
        }
        if(line.str().empty())
            continue;
        ++offered;
        std::cout << handle.GetDeviceName() << ' ' << name << line.str() << '.' << std::endl;
    }
    std::cout << handle.GetDeviceName() << ' ' << family << ": " << offered << " solvers, " << all << " kernels, " << failed
              << " do not compile." << std::endl;
}
