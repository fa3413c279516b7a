// SPDX-License-Identifier: MIT
//
// Prints which of MIOpen's solvers say on this device that they can do a plain convolution, each way. It asks the solvers
// themselves, by MIOpen's own headers: the public interface shows only what was also found to be fast.

#include <miopen/any_solver.hpp>
#include <miopen/conv/problem_description.hpp>
#include <miopen/convolution.hpp>
#include <miopen/execution_context.hpp>
#include <miopen/handle.hpp>
#include <miopen/solver_id.hpp>

#include <iostream>
#include <vector>

using miopen::conv::Direction;

int main()
{
    miopen::Handle handle;
    for(const int size : {1, 3})
    {
        const std::vector<int> pad{size / 2, size / 2}, ones{1, 1};
        const miopen::ConvolutionDescriptor convolution{pad, ones, ones};
        const miopen::TensorDescriptor image{miopenFloat, std::vector<std::size_t>{64, 64, 28, 28}};
        const miopen::TensorDescriptor filter{
            miopenFloat, std::vector<std::size_t>{64, 64, std::size_t(size), std::size_t(size)}};
        for(const auto direction : {Direction::Forward, Direction::BackwardData, Direction::BackwardWeights})
        {
            // Input and output of this convolution have the same shape.
            const miopen::conv::ProblemDescription problem{image, filter, image, convolution, direction};
            miopen::ExecutionContext context{&handle};
            problem.SetupFloats(context);

            std::cout << handle.GetDeviceName() << ' ' << size << 'x' << size << ' '
                      << (direction == Direction::Forward        ? "forward"
                          : direction == Direction::BackwardData ? "backward"
                                                                 : "weights")
                      << ':';
            for(const auto& id : miopen::solver::GetSolversByPrimitive(miopen::solver::Primitive::Convolution))
            {
                const auto solver = id.GetSolver();
                if(!solver.IsEmpty() && solver.IsApplicable(context, problem))
                    std::cout << ' ' << id.ToString();
            }
            std::cout << ".\n";
        }
    }
}
