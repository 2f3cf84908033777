#include "kernels/cpu/cpu_cores.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"

namespace oriel {
namespace {

// Logical cores that share a physical one have the same text here; "" where the system has none.
std::string SiblingsOf(int32_t core) {
  std::ifstream file(
      absl::StrCat("/sys/devices/system/cpu/cpu", core, "/topology/thread_siblings_list"));
  std::string siblings;
  std::getline(file, siblings);
  return siblings;
}

}  // namespace

std::vector<int32_t> OnePerPhysicalCoreFirst(
    const std::vector<int32_t>& cores, absl::FunctionRef<std::string(int32_t core)> siblings) {
  std::vector<int32_t> ordered, others;
  std::set<std::string> seen;
  for (int32_t core : cores) {
    const std::string group = siblings(core);
    const bool is_first = group.empty() || seen.insert(group).second;
    (is_first ? ordered : others).push_back(core);
  }
  ordered.insert(ordered.end(), others.begin(), others.end());
  return ordered;
}

std::vector<int32_t> UsableCores() {
  std::vector<int32_t> cores;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int32_t core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(static_cast<size_t>(core), &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) {  // more cores than a cpu_set_t tells apart
    const int32_t count = std::max(1, static_cast<int32_t>(std::thread::hardware_concurrency()));
    for (int32_t core = 0; core < count; ++core) cores.push_back(core);
  }
  return OnePerPhysicalCoreFirst(cores, SiblingsOf);
}

absl::Status PinThread(pthread_t thread, int32_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(core), &set);
  if (pthread_setaffinity_np(thread, sizeof(set), &set) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("cannot pin a thread to core ", core, ": this process may not use it"));
}

}  // namespace oriel
