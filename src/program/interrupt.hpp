#pragma once

namespace fortet::program {

/// From now on the first Ctrl-C (or SIGTERM) only makes interrupted() true; the second ends the program.
void catch_interrupts();
bool interrupted();

}  // namespace fortet::program
