#include "program/html.hpp"

#include <cmath>
#include <iomanip>
#include <sstream>

#include "fortet/io/atomic_file.hpp"

namespace fortet::program {
namespace {

constexpr const char* before_title = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>)";
constexpr const char* after_title = R"(</title>
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --paper: #ffffff; --line: #d5dae0;
        --band: #f3f5f7; --good: #1a7f37; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --soft: #9aa4ae; --paper: #14181d; --line: #343b44; --band: #1c2228; --good: #57c26f; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem 1.2rem 4rem; color: var(--ink); background: var(--paper);
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: .6rem 0; } h2 { font-size: 1.3rem; margin: 2.6rem 0 .4rem; border-top: 1px solid var(--line); padding-top: 1.4rem; }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; }
p, li { max-width: 46rem; } .soft, figcaption { color: var(--soft); font-size: .92rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .88rem; }
th, td { padding: .22rem .7rem .22rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); } td.text, th.text { text-align: left; }
td.good, .good { color: var(--good); } td.bad, .bad { color: var(--bad); font-weight: 600; }
figure { margin: 1.2rem 0 1.8rem; } figure svg { display: block; max-width: 100%; min-width: 34rem; height: auto; }
figcaption { max-width: 46rem; margin-top: .3rem; }
details { margin: .6rem 0; } summary { cursor: pointer; color: var(--soft); }
code { font-size: .9em; } a { color: inherit; }
@media (max-width: 40rem) { td.text, th.text { white-space: normal; overflow-wrap: anywhere; min-width: 5.5rem; } td.text:first-child { min-width: 9rem; } }
@media print { body { max-width: none; } figure, tr { break-inside: avoid; } details > * { display: block; } }
</style>
</head>
<body>
)";

}  // namespace

std::string html_head(const std::string& title) { return before_title + escaped(title) + after_title; }

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = escaped(text);
  for (std::size_t k; (k = out.find('"')) != std::string::npos;) out.replace(k, 1, "&quot;");
  return out;
}

std::string figure(double value) {
  if (!std::isfinite(value)) return "&ndash;";
  std::ostringstream text;
  text << std::setprecision(3) << value;
  return text.str();
}

std::string html_figure(const std::string& title, const std::filesystem::path& file,
                        const std::string& caption) {
  std::string svg = read_text(file);
  svg.erase(0, svg.find("<svg"));  // the XML prologue has no place in HTML
  return "<h3>" + escaped(title) + "</h3>\n<figure><div class=scroll>" + svg + "</div><figcaption>" +
         escaped(caption) + "</figcaption></figure>\n";
}

}  // namespace fortet::program
