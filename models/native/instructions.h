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

// What is recalled at the end of a text, by the fastest instructions that this machine has for it.
Recalled recall_at(TextEnd end, int count);

}  // namespace elman
