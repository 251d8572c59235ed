#include "program/interrupt.hpp"

#include <csignal>

namespace fortet::program {
namespace {

volatile std::sig_atomic_t flag = 0;

extern "C" void note(int signal) {
  flag = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, note);
  std::signal(SIGTERM, note);
}

bool interrupted() { return flag != 0; }

}  // namespace fortet::program
