// SPDX-License-Identifier: MIT
//
// One recurrent layer, inference, forward in time. Where each gate's parameters lie is asked of MIOpen, and what each gate is
// for is taken from its documentation of miopenGetRNNLayerParamOffset.

#include "operations.hpp"
#include "reference.hpp"
#include "session.hpp"

namespace {

struct Layer
{
    Layer(const RecurrentShape& s, Type type, bool bias) : shape(s), type(type), bias(bias)
    {
        const miopenRNNMode_t mode = s.cell == Cell::relu   ? miopenRNNRELU
                                     : s.cell == Cell::tanh ? miopenRNNTANH
                                     : s.cell == Cell::lstm ? miopenLSTM
                                                            : miopenGRU;
        CALL(miopenCreateRNNDescriptor, &descriptor);
        CALL(miopenSetRNNDescriptor, descriptor, s.hidden, 1, miopenRNNlinear, miopenRNNunidirection, mode,
             bias ? miopenRNNwithBias : miopenRNNNoBias, miopenRNNdefault, miopen_type(type));
    }
    ~Layer() { (void)miopenDestroyRNNDescriptor(descriptor); }
    Layer(const Layer&) = delete;
    Layer& operator=(const Layer&) = delete;

    // MIOpen's one tensor of parameters, in elements.
    Values packed(miopenHandle_t handle, miopenTensorDescriptor_t x, const RecurrentParameters& parameters) const
    {
        std::size_t bytes = 0;
        CALL(miopenGetRNNParamsSize, handle, descriptor, x, &bytes, miopen_type(type));
        Values all(bytes / size_of(type));
        for(int gate = 0; gate < shape.gates(); ++gate)
        {
            const auto g = static_cast<std::size_t>(gate);
            matrix(all, x, gate, parameters.from_input[g]);
            matrix(all, x, gate + shape.gates(), parameters.from_hidden[g]);
            if(!bias)
                continue;
            vector(all, x, gate, parameters.input_bias[g]);
            vector(all, x, gate + shape.gates(), parameters.hidden_bias[g]);
        }
        return all;
    }

    miopenRNNDescriptor_t descriptor = nullptr;

private:
    static void lay(Values& all, std::size_t offset, const Values& values, const char* function)
    {
        if(offset + values.size() > all.size())
            throw Refusal{0, "an offset behind the parameters", function, false};
        std::copy(values.begin(), values.end(), all.begin() + static_cast<std::ptrdiff_t>(offset));
    }

    void matrix(Values& all, miopenTensorDescriptor_t x, int id, const Values& values) const
    {
        Descriptor shape;
        std::size_t offset = 0;
        CALL(miopenGetRNNLayerParamOffset, descriptor, 0, x, id, shape, &offset);
        lay(all, offset, values, "miopenGetRNNLayerParamOffset");
    }

    void vector(Values& all, miopenTensorDescriptor_t x, int id, const Values& values) const
    {
        Descriptor shape;
        std::size_t offset = 0;
        CALL(miopenGetRNNLayerBiasOffset, descriptor, 0, x, id, shape, &offset);
        lay(all, offset, values, "miopenGetRNNLayerBiasOffset");
    }

    const RecurrentShape shape;
    const Type type;
    const bool bias;
};

// Weights are small enough that no gate saturates: a gate that is shut hides what is behind it.
RecurrentParameters parameters(const RecurrentShape& s, bool bias)
{
    RecurrentParameters result;
    const auto hidden = static_cast<std::size_t>(s.hidden), input = static_cast<std::size_t>(s.input);
    for(unsigned gate = 0; gate < static_cast<unsigned>(s.gates()); ++gate)
    {
        result.from_input.push_back(scattered(hidden * input, 10 + gate, 4, 1.0 / 32));
        result.from_hidden.push_back(scattered(hidden * hidden, 20 + gate, 4, 1.0 / 32));
        result.input_bias.push_back(bias ? scattered(hidden, 30 + gate, 8, 1.0 / 16) : Values());
        result.hidden_bias.push_back(bias ? scattered(hidden, 40 + gate, 8, 1.0 / 16) : Values());
    }
    return result;
}

} // namespace

int recurrent(Words& words)
{
    const std::string name = words.one_of({"lstm", "gru", "relu", "tanh"});
    const Type type = words.type();
    RecurrentShape s;
    s.cell = name == "lstm" ? Cell::lstm : name == "gru" ? Cell::gru : name == "relu" ? Cell::relu : Cell::tanh;
    s.steps = words.number("steps");
    s.batch = words.number("batch");
    s.input = words.number("input");
    s.hidden = words.number("hidden");
    const std::string bias = words.text_or("bias", "no");
    if(bias != "no" && bias != "yes")
        throw Usage{"bias= takes yes or no"};
    words.end();

    const bool lstm = s.cell == Cell::lstm;
    const RecurrentParameters given = parameters(s, bias == "yes");
    const std::vector<int> state = {1, s.batch, s.hidden};
    const Values input = scattered(volume({s.steps, s.batch, s.input}), 1, 4, 1.0 / 4);
    const Values hidden = scattered(volume(state), 2, 4, 1.0 / 4);
    const Values memory = lstm ? scattered(volume(state), 3, 4, 1.0 / 4) : Values();
    const RecurrentResult want = recurrent(s, given, input, hidden, memory);
    // A step puts sums through exponentials and quotients whose slopes are at most one, rounds the state, and hands on a
    // part of the errors before it: 4 roundings of the largest state for each step, and 8 of the last, are allowed.
    const double bound = (8 + 4 * s.steps) * rounding(type);
    const double output_bound = bound * std::max(1.0, largest(want.output));

    Session session;
    const Layer layer(s, type, bias == "yes");
    Tensor x(type, {s.steps, s.batch, s.input}, input), y(type, {s.steps, s.batch, s.hidden});
    Tensor hx(type, state, hidden), hy(type, state), cx(type, state, lstm ? memory : hidden), cy(type, state);
    // MIOpen wants a descriptor for each step.
    const Descriptor x_step(type, {s.batch, s.input}), y_step(type, {s.batch, s.hidden});
    const std::vector<miopenTensorDescriptor_t> xs(static_cast<std::size_t>(s.steps), x_step);
    const std::vector<miopenTensorDescriptor_t> ys(static_cast<std::size_t>(s.steps), y_step);
    const Descriptor w_descriptor;
    CALL(miopenGetRNNParamsDescriptor, session.handle, layer.descriptor, x_step, w_descriptor, miopen_type(type));
    const Values packed = layer.packed(session.handle, x_step, given);
    const Tensor w(type, {static_cast<int>(packed.size())}, packed);

    Output outputs[] = {
        {"output", &y, want.output, output_bound},
        {"last hidden state", &hy, want.hidden, output_bound},
        {"last memory", &cy, want.memory, bound * std::max(1.0, largest(want.memory))},
    };
    Run run{"inference", {&outputs[0], &outputs[1]}, {&x, &hx, &w}};
    if(lstm)
    {
        run.outputs.push_back(&outputs[2]);
        run.inputs.push_back(&cx);
    }
    session.run(
        run,
        [&] {
            std::size_t bytes = 0;
            CALL(miopenGetRNNWorkspaceSize, session.handle, layer.descriptor, s.steps, xs.data(), &bytes);
            return bytes;
        },
        [&](const Memory& workspace) {
            CALL(miopenRNNForwardInference, session.handle, layer.descriptor, s.steps, xs.data(), x.place(), hx.descriptor,
                 hx.place(), cx.descriptor, lstm ? cx.place() : nullptr, w_descriptor, w.place(), ys.data(), y.place(),
                 hy.descriptor, hy.place(), cy.descriptor, lstm ? cy.place() : nullptr, workspace.place(),
                 workspace.bytes());
        });
    return session.end();
}
