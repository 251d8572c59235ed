#pragma once
#include <filesystem>
#include <string>

namespace fortet::program {

/// Runs one of the plotting programs (validation/plots) on a report's folder. Returns why there are no plots,
/// or nothing; what the program printed is in plots.log. It needs a Python with matplotlib: that of
/// FORTET_PYTHON, else that of the build tree, else python3.
std::string draw_plots(const std::string& script, const std::filesystem::path& folder);

}  // namespace fortet::program
