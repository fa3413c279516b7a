// SPDX-License-Identifier: MIT
//
// One function for each operation. It reads its words, opens a session, runs, and returns the exit code.

#pragma once

#include "words.hpp"

int convolution(Words& words);
int batch_norm(Words& words);
int pooling(Words& words);
int softmax(Words& words);
int activation(Words& words);
int reduction(Words& words);
int recurrent(Words& words);
int tensor(Words& words);
int host_memory(Words& words);

// Checks the references against values and identities that they do not share code with. Needs no GPU.
int references(Words& words);

// n=, c=, h= and w=.
std::vector<int> image(Words& words);
