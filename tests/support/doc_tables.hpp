#pragma once

#include <string>
#include <vector>

namespace chouette::test {

/// A row of a table on a page below docs/, without the marks around its cells.
using DocRow = std::vector<std::string>;

/// The rows whose first cell begins with a backquote: headings do not. `heading`: those below this
/// heading ("## Fields") alone, up to the next one of its kind; empty: all of the page.
std::vector<DocRow> rows_of_page(const std::string& page, const std::string& heading = {});

/// What stands between backquotes.
std::vector<std::string> quoted_in(const std::string& text);

/// The text of a page below docs/; fails if there is none.
std::string read_page(const std::string& name);

}  // namespace chouette::test
