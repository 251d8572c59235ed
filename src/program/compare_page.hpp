#pragma once
#include "program/compare_report.hpp"

namespace fortet::program {

/// The report as one self-contained HTML page: tables, and the plots that plots.json in `folder` lists, or
/// the reason why there are none.
std::string compare_page(const CompareResult& result, const std::filesystem::path& folder,
                         const std::string& no_plots);

}  // namespace fortet::program
