#include "instructions.h"

#include <stdexcept>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace elman {
namespace {

bool has(const std::string& instructions) {
  if (instructions == "portable") return true;
#if defined(__x86_64__)
  __builtin_cpu_init();
  // LZCNT, which not every compiler can ask for, came with BMI.
  if (instructions == "avx2") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi");
  if (instructions == "avx512vbmi")
    return has("avx512vnni") && __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bitalg");
  if (instructions == "avx512vnni")
    return has("avx2") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq");
#elif defined(__aarch64__) && defined(__linux__)
  if (instructions == "dotprod") return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#elif defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)  // Apple's have it all
  if (instructions == "dotprod") return true;
#endif
  return false;
}

void check(const std::string& instructions) {
  if (!has(instructions)) throw std::invalid_argument("instructions: this machine lacks " + instructions);
}

}  // namespace

std::vector<std::string> instruction_sets() {
  std::vector<std::string> sets;
  for (const char* name : {"avx512vbmi", "avx512vnni", "avx2", "dotprod", "portable"})
    if (has(name)) sets.push_back(name);
  return sets;
}

std::unique_ptr<Machine> make_machine(const std::string& instructions, const Model& model, int rows) {
  check(instructions);
#if defined(__x86_64__)
  if (instructions == "avx512vbmi") return make_avx512vbmi(model, rows);
  if (instructions == "avx512vnni") return make_avx512vnni(model, rows);
  if (instructions == "avx2") return make_avx2(model, rows);
#elif defined(__aarch64__)
  if (instructions == "dotprod") return make_dotprod(model, rows);
#endif
  return make_portable(model, rows);
}

Recall find_recall(const std::string& instructions) {
  check(instructions);
#if defined(__x86_64__)
  if (instructions == "avx512vbmi") return recall_avx512vbmi;
  if (instructions == "avx512vnni") return recall_avx512vnni;
  if (instructions == "avx2") return recall_avx2;
#elif defined(__aarch64__)
  if (instructions == "dotprod") return recall_dotprod;
#endif
  return recall_portable;
}

}  // namespace elman
