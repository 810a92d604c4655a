#include "keys/authorized_key.h"

#include <algorithm>
#include <array>

#include "keys/key_fields.h"

namespace sekisho::keys {
namespace {

constexpr std::size_t kMostLine = 16 * 1024;
constexpr std::size_t kMostOptions = 1024;
constexpr std::size_t kMostFile = 1024 * 1024;
constexpr std::size_t kMostLines = 10'000;

struct KnownOption {
    std::string_view name;
    bool has_value = false;
    bool once = false;  // sshd(8) refuses the line when it stands there twice
};

constexpr std::array kKnown{
    KnownOption{"agent-forwarding"},
    KnownOption{"cert-authority"},
    KnownOption{"command", true, true},
    KnownOption{"environment", true},
    KnownOption{"expiry-time", true},
    KnownOption{"from", true, true},
    KnownOption{"no-agent-forwarding"},
    KnownOption{"no-port-forwarding"},
    KnownOption{"no-pty"},
    KnownOption{"no-user-rc"},
    KnownOption{"no-x11-forwarding"},
    KnownOption{"permitlisten", true},
    KnownOption{"permitopen", true},
    KnownOption{"port-forwarding"},
    KnownOption{"principals", true, true},
    KnownOption{"pty"},
    KnownOption{"no-touch-required"},
    KnownOption{"verify-required"},
    KnownOption{"restrict"},
    KnownOption{"tunnel", true},
    KnownOption{"user-rc"},
    KnownOption{"x11-forwarding"},
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

/// Cuts an option's name off the front, in lower case.
std::string take_name(std::string_view& rest) {
    std::string name;
    while (!rest.empty() && rest.front() != '=' && rest.front() != ',' && rest.front() != '"' && !is_blank(rest.front())) {
        const char c = rest.front();
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        rest.remove_prefix(1);
    }
    return name;
}

/// Cuts a quoted value off the front. sshd(8): only \" is an escape, every other backslash stands for itself.
Result<std::string> take_value(const std::string& name, std::string_view& rest) {
    if (rest.empty() || rest.front() != '"') return fail("the value of the option " + name + " is not in quotes");
    rest.remove_prefix(1);
    std::string value;
    while (!rest.empty() && rest.front() != '"') {
        if (rest.starts_with("\\\"")) rest.remove_prefix(1);
        value += rest.front();
        rest.remove_prefix(1);
    }
    if (rest.empty()) return fail("the quotes of the option " + name + " do not end");
    rest.remove_prefix(1);
    return value;
}

Result<KeyOption> take_option(std::string_view& rest) {
    KeyOption option{take_name(rest), {}};
    const auto known = std::ranges::find(kKnown, option.name, &KnownOption::name);
    if (known == kKnown.end()) {
        // The name goes into a text for people; what no option's name could hold stays out of it.
        const bool printable = std::ranges::all_of(option.name, [](char c) { return c > 0x20 && c < 0x7f; });
        return printable ? fail("unknown option \"" + option.name + "\"") : fail("malformed option");
    }
    const bool has_value = !rest.empty() && rest.front() == '=';
    if (has_value != known->has_value) {
        return fail("the option " + option.name + (has_value ? " takes no value" : " needs a value"));
    }
    if (!has_value) return option;
    rest.remove_prefix(1);
    Result<std::string> value = take_value(option.name, rest);
    if (!value) return std::unexpected(std::move(value.error()));
    option.value = std::move(*value);
    return option;
}

/// Options up to the first blank outside quotes.
Result<std::vector<KeyOption>> take_options(std::string_view& rest) {
    std::vector<KeyOption> options;
    while (true) {
        if (options.size() == kMostOptions) return fail("too many options on one line");
        Result<KeyOption> option = take_option(rest);
        if (!option) return std::unexpected(std::move(option.error()));
        const auto known = std::ranges::find(kKnown, option->name, &KnownOption::name);
        if (known->once && std::ranges::find(options, option->name, &KeyOption::name) != options.end()) {
            return fail("the option " + option->name + " stands on the line twice");
        }
        options.push_back(std::move(*option));
        if (rest.empty()) return fail("a line has options but no key");
        if (is_blank(rest.front())) return options;
        if (rest.front() != ',') return fail("malformed options behind " + options.back().name);
        rest.remove_prefix(1);
    }
}

/// A key's own kind, known to us or not: such a word is never an option.
bool looks_like_kind(std::string_view word) {
    if (word.find_first_of("=\",") != std::string_view::npos) return false;
    return word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-");
}

}  // namespace

Result<AuthorizedKey> parse_authorized_key(std::string_view line) {
    if (line.size() > kMostLine) return fail("a line of authorized keys is too long");
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    if (line.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos) return fail("more than one line");
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    if (line.empty() || line.front() == '#') return fail("the line holds no key");

    std::vector<KeyOption> options;
    std::string_view ahead = line;
    if (!looks_like_kind(next_word(ahead))) {
        Result<std::vector<KeyOption>> taken = take_options(line);
        if (!taken) return std::unexpected(std::move(taken.error()));
        options = std::move(*taken);
    }
    Result<PublicKey> key = PublicKey::from_line(line);
    if (!key) return std::unexpected(std::move(key.error()));
    next_word(line);
    next_word(line);
    const std::size_t start = line.find_first_not_of(" \t");
    std::string comment(start == std::string_view::npos ? std::string_view() : line.substr(start));
    return AuthorizedKey{std::move(options), std::move(*key), std::move(comment)};
}

Result<void> AuthorizedKeys::check() const {
    if (problems.empty()) return {};
    const Problem& first = problems.front();
    return fail("line " + std::to_string(first.line) + ": " + first.error.text, first.error.detail);
}

Result<AuthorizedKeys> parse_authorized_keys(std::string_view text) {
    if (text.size() > kMostFile) return fail("a file of authorized keys is too long");
    AuthorizedKeys out;
    for (std::size_t number = 1; !text.empty(); ++number) {
        if (number > kMostLines) return fail("a file of authorized keys has too many lines");
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t start = line.find_first_not_of(" \t\r");
        if (start == std::string_view::npos || line[start] == '#') continue;
        Result<AuthorizedKey> key = parse_authorized_key(line);
        if (key) {
            out.entries.push_back({number, std::move(*key)});
        } else {
            out.problems.push_back({number, std::move(key.error())});
        }
    }
    return out;
}

}  // namespace sekisho::keys
