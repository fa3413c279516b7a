// SPDX-License-Identifier: MIT
//
// One recurrent layer, forward in time. The formulas are those of MIOpen's and cuDNN's documentation.

#include "reference.hpp"

#include <cmath>

// matrix * vector + bias; an empty bias is none.
static Values affine(const Values& matrix, const double* vector, std::size_t width, const Values& bias)
{
    Values result(matrix.size() / width);
    for(std::size_t row = 0; row < result.size(); ++row)
    {
        for(std::size_t column = 0; column < width; ++column)
            result[row] += matrix[row * width + column] * vector[column];
        if(!bias.empty())
            result[row] += bias[row];
    }
    return result;
}

static double sigmoid(double value) { return activate(Activation::logistic, value); }

RecurrentResult recurrent(const RecurrentShape& shape, const RecurrentParameters& parameters, const Values& input,
                          const Values& hidden, const Values& memory)
{
    const auto batch = static_cast<std::size_t>(shape.batch), steps = static_cast<std::size_t>(shape.steps);
    const auto width = static_cast<std::size_t>(shape.input), size = static_cast<std::size_t>(shape.hidden);
    RecurrentResult result{Values(steps * batch * size), hidden, memory};
    for(std::size_t step = 0; step < steps; ++step)
        for(std::size_t b = 0; b < batch; ++b)
        {
            double* const h = &result.hidden[b * size];
            std::vector<Values> x, r;
            for(std::size_t gate = 0; gate < static_cast<std::size_t>(shape.gates()); ++gate)
            {
                x.push_back(affine(parameters.from_input[gate], &input[(step * batch + b) * width], width,
                                   parameters.input_bias[gate]));
                r.push_back(affine(parameters.from_hidden[gate], h, size, parameters.hidden_bias[gate]));
            }
            for(std::size_t i = 0; i < size; ++i)
            {
                switch(shape.cell)
                {
                case Cell::relu: h[i] = activate(Activation::relu, x[0][i] + r[0][i]); break;
                case Cell::tanh: h[i] = std::tanh(x[0][i] + r[0][i]); break;
                case Cell::lstm:
                {
                    double& c = result.memory[b * size + i];
                    c = sigmoid(x[1][i] + r[1][i]) * c +
                        sigmoid(x[0][i] + r[0][i]) * std::tanh(x[3][i] + r[3][i]);
                    h[i] = sigmoid(x[2][i] + r[2][i]) * std::tanh(c);
                    break;
                }
                case Cell::gru:
                {
                    // The reset gate acts on the matrix's product, not on the state before it.
                    const double update = sigmoid(x[0][i] + r[0][i]);
                    const double reset = sigmoid(x[1][i] + r[1][i]);
                    h[i] = (1 - update) * std::tanh(x[2][i] + reset * r[2][i]) + update * h[i];
                    break;
                }
                }
                result.output[(step * batch + b) * size + i] = h[i];
            }
        }
    return result;
}
