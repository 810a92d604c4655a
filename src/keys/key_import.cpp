#include "keys/key_import.h"

#include <algorithm>

#include "keys/public_text.h"

namespace sekisho::keys {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kRfc4716 = "---- BEGIN SSH2 PUBLIC KEY ----";
constexpr std::string_view kPem = "-----BEGIN ";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Where a line begins with `mark`; npos where none does.
std::size_t line_that_begins(std::string_view text, std::string_view mark, std::size_t from) {
    for (std::size_t at = text.find(mark, from); at != std::string_view::npos; at = text.find(mark, at + 1)) {
        if (at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r') return at;
    }
    return std::string_view::npos;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

/// Whatever was read is read again as the line that it became: nothing is kept that could not be used.
Result<std::string> checked(std::string line, const PublicKey& expected) {
    const auto key = parse_authorized_key(line);
    if (!key) return std::unexpected(key.error());
    if (!(key->key == expected)) return fail("the options or the comment hold another key");
    return line;
}

/// What is skipped around armour must not be somebody's key.
Result<void> nothing_else(std::string_view text) {
    const bool both = line_that_begins(text, kRfc4716, 0) != std::string_view::npos &&
                      line_that_begins(text, kPem, 0) != std::string_view::npos;
    const auto lines = lines_of(text);
    if (both || std::ranges::any_of(lines, [](std::string_view line) { return parse_authorized_key(line).has_value(); }))
        return fail("keys of several forms in one text; give those of one form at a time");
    return {};
}

Result<std::vector<std::string>> armoured(std::string_view text, std::string_view mark, const KeyImport& import) {
    if (auto alone = nothing_else(text); !alone) return std::unexpected(alone.error());
    std::vector<std::string> lines;
    for (std::size_t at = line_that_begins(text, mark, 0); at != std::string_view::npos;) {
        const std::size_t next = line_that_begins(text, mark, at + 1);
        const auto key = parse_public_text(text.substr(at, next == std::string_view::npos ? next : next - at));
        if (!key) return fail("key " + std::to_string(lines.size() + 1) + ": " + key.error().text, key.error().detail);
        auto line = checked(
            authorized_line(import.options, key->key, key->comment.empty() ? import.comment : key->comment), key->key);
        if (!line) return fail("key " + std::to_string(lines.size() + 1) + ": " + line.error().text);
        lines.push_back(std::move(*line));
        at = next;
    }
    return lines;
}

}  // namespace

std::string options_text(const AuthorizedKey& key) {
    std::string out;
    for (const KeyOption& option : key.options) {
        if (!out.empty()) out += ',';
        out += option.name;
        if (option.value.empty()) continue;
        out += "=\"";
        for (const char c : option.value) {
            if (c == '"') out += '\\';
            out += c;
        }
        out += '"';
    }
    return out;
}

std::string authorized_line(std::string_view options, const PublicKey& key, std::string_view comment) {
    std::string line(options);
    if (!line.empty()) line += ' ';
    return line + key.line(trimmed(comment));
}

Result<std::vector<std::string>> authorized_lines(std::string_view text, const KeyImport& import) {
    // Pasting the other half of a pair is a mistake that must be named, and nothing of it repeated.
    if (text.find("PRIVATE KEY-----") != std::string_view::npos) return fail("this is a private key; give the public one");
    for (const std::string_view mark : {kRfc4716, kPem}) {
        if (line_that_begins(text, mark, 0) != std::string_view::npos) return armoured(text, mark, import);
    }
    const auto file = parse_authorized_keys(text);
    if (!file) return std::unexpected(file.error());
    if (auto whole = file->check(); !whole) return std::unexpected(whole.error());
    if (file->entries.empty()) return fail("there is no public key in it");
    const std::vector<std::string_view> as_written = lines_of(text);
    std::vector<std::string> lines;
    for (const auto& entry : file->entries) {
        std::string line(trimmed(as_written.at(entry.line - 1)));
        if (const auto comment = trimmed(import.comment); entry.key.comment.empty() && !comment.empty())
            line.append(" ").append(comment);
        if (entry.key.options.empty() && !import.options.empty()) line = import.options + " " + line;
        auto fine = checked(std::move(line), entry.key.key);
        if (!fine) return fail("line " + std::to_string(entry.line) + ": " + fine.error().text);
        lines.push_back(std::move(*fine));
    }
    return lines;
}

}  // namespace sekisho::keys
