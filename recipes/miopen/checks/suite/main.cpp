// SPDX-License-Identifier: MIT
//
//     suite OPERATION [WORD…]
//
// Computes one thing with MIOpen on the first GPU and compares it with a reference of its own: one operation, direction, data
// type and shape for each process, so that a card that hangs or a process that dies is known by its words. What happened is
// told on stdout.
//
// Exit code: 0 all right; 1 something wrong or refused; 2 usage; 3 no device; 77 nothing was run.

#include <cstdio>
#include <exception>

#include "operations.hpp"
#include "session.hpp"

static const char usage[] =
    R"(usage: suite OPERATION [WORD...]

  convolution forward|backward-data|backward-weights fp32|fp16 n= c= h= w= k= y= x= [pad=0] [stride=1] [dilation=1]
              [groups=1] [only=ID] [skip=find|immediate]
  batch-norm  training|inference|backward fp32|fp16 spatial|per-activation n= c= h= w=
  pooling     forward|backward maximum|average fp32|fp16 n= c= h= w= window= stride= [pad=0]
  softmax     forward|backward fp32|fp16 n= c= h= w=
  activation  forward|backward relu|tanh|logistic fp32|fp16 n= c= h= w=
  reduction   sum|mean|maximum fp32|fp16 n= c= h= w= over=SOME OF nchw
  recurrent   lstm|gru|relu|tanh fp32|fp16 steps= batch= input= hidden= [bias=no|yes]
  tensor      add fp32|fp16 n= c= h= w=
  host-memory fp32|fp16 n= c= h= w= k= y= x= [pad=0] [stride=1]
  references
)";

static const struct
{
    const char* name;
    int (*run)(Words&);
} operations[] = {
    {"convolution", convolution}, {"batch-norm", batch_norm}, {"pooling", pooling},     {"softmax", softmax},
    {"activation", activation},   {"reduction", reduction},   {"recurrent", recurrent}, {"tensor", tensor},
    {"host-memory", host_memory}, {"references", references},
};

static std::vector<std::string> names()
{
    std::vector<std::string> list;
    for(const auto& operation : operations)
        list.push_back(operation.name);
    return list;
}

std::vector<int> image(Words& words)
{
    const int n = words.number("n"), c = words.number("c"), h = words.number("h"), w = words.number("w");
    return {n, c, h, w};
}

int main(int count, char** arguments)
{
    try
    {
        Words words(count - 1, arguments + 1);
        const std::string name = words.one_of(names());
        for(const auto& operation : operations)
            if(name == operation.name)
                return operation.run(words);
    }
    catch(const Usage& problem)
    {
        std::fprintf(stderr, "suite: %s\n\n%s", problem.text.c_str(), usage);
        return 2;
    }
    catch(const NoDevice&)
    {
        return 3;
    }
    catch(const Refusal& refusal)
    {
        // What is asked before the first run, or after the last: memory, descriptors.
        std::printf("refused: setup: status %d, %s, in %s\n", refusal.status, refusal.text.c_str(),
                    refusal.function.c_str());
    }
    catch(const std::exception& problem)
    {
        std::printf("refused: setup: status -1, %s, in this program\n", problem.what());
    }
    return 1;
}
