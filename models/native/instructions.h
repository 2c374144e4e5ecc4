// Which instruction sets this machine has, and the machine of a model under one of them. Knows no Python.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "law.h"

namespace elman {

std::vector<std::string> instruction_sets();  // those that this machine has, the fastest first

// Throws std::invalid_argument for an instruction set that this machine lacks.
std::unique_ptr<Machine> make_machine(const std::string& instructions, const Model& model, int rows);

// What is recalled at the end of a text, under an instruction set: law.h, recall_portable. Throws the same.
using Recall = Recalled (*)(TextEnd end, int count);
Recall find_recall(const std::string& instructions);

}  // namespace elman
