#include "cli/difference_output.h"

#include <fmt/format.h>

#include "cli/command.h"

namespace sekisho::cli {
namespace {

std::string shortened(const std::string& value) {
    constexpr std::size_t kMost = 100;
    const std::string text = printable(value);
    return text.size() > kMost ? text.substr(0, kMost) + "…" : text;
}

void print_change(const JsonView& change) {
    const std::string kind = change.text("change");
    const bool added = kind == "added";
    const bool removed = kind == "removed";
    const Style style = added ? Style::Green : removed ? Style::Red : Style::Yellow;
    print_line(styled(style, fmt::format("{} {} {}",
                                 added     ? '+'
                                 : removed ? '-'
                                           : '~',
                                 change.text("kind"), printable(change.text("name")))));
    if (removed) return;
    for (const JsonView& field : change.list("fields")) {
        const std::string before = field.text("before");
        const std::string after = field.text("after");
        if (added)
            print_line(fmt::format("    {}: {}", field.text("field"), shortened(after)));
        else
            print_line(fmt::format("    {}: {} → {}", field.text("field"), before.empty() ? "(none)" : shortened(before),
                after.empty() ? "(none)" : shortened(after)));
    }
}

}  // namespace

void print_difference(const JsonView& answer) {
    const std::vector<JsonView> changes = answer.list("changes");
    for (const JsonView& change : changes) print_change(change);
    if (answer.flag("routes_reordered")) print_line(styled(Style::Yellow, "~ the order of the routes"));
    if (answer.flag("rules_reordered")) print_line(styled(Style::Yellow, "~ the order of the rules"));
    for (const std::string& warning : answer.texts("warnings"))
        print_line(styled(Style::Yellow, "warning: " + printable(warning)));
    if (changes.empty() && !answer.flag("rules_reordered") && !answer.flag("routes_reordered"))
        print_line("nothing to change");
}

int changed(const Result<JsonView>& answer, bool json) {
    if (!answer) return failed(answer.error());
    if (json)
        print_line(answer->pretty());
    else
        print_difference(*answer);
    return kDone;
}

}  // namespace sekisho::cli
