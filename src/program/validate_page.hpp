#pragma once
#include "program/validate_report.hpp"

namespace fortet::program {

/// The report as one self-contained HTML page: a table for each family, the plots that plots.json in `folder`
/// lists or the reason why there are none, and what changed since an earlier report.
std::string validation_page(const ValidationResult& result, const std::filesystem::path& folder,
                            const std::string& no_plots, const std::vector<std::string>& changed);

}  // namespace fortet::program
