#pragma once
// What the pages of `fortet compare` and `fortet validate` share.
#include <filesystem>
#include <string>

namespace fortet::program {

/// From the doctype to <body>: a page without a network, readable in light and dark, on a phone, and in
/// print.
std::string html_head(const std::string& title);
std::string escaped(const std::string& text);
/// The same for the value of an attribute.
std::string quoted(const std::string& text);
/// Three digits; a dash where the value is not finite.
std::string figure(double value);
/// An SVG file, inlined, under its title and over its caption.
std::string html_figure(const std::string& title, const std::filesystem::path& file,
                        const std::string& caption);

}  // namespace fortet::program
