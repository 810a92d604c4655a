#include "app/config_file.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "app/config_table.h"
#include "base/nearest.h"
#include "store/toml.h"

namespace sekisho::app {
namespace {

template <class... F>
struct Overloaded : F... {
    using F::operator()...;
};

std::string quoted(std::string_view text) {
    std::string out(1, '"');
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
    return out;
}

std::string_view type_name(const Place& place) {
    return std::visit(Overloaded{[](Text) { return "text"; }, [](Texts) { return "list of texts"; },
                          [](Number) { return "number"; }, [](ByteCount) { return "bytes"; }, [](Time) { return "time"; },
                          [](FailureAnswer) { return "refuse | end | alarm"; }},
        place);
}

/// The value that `config` has at `place`, as TOML.
std::string toml_text(const Place& place, model::Config& config) {
    return std::visit(Overloaded{[&](Text at) { return quoted(at(config)); },
                          [&](Texts at) {
                              std::vector<std::string> items;
                              for (const std::string& item : at(config)) items.push_back(quoted(item));
                              return fmt::format("[{}]", fmt::join(items, ", "));
                          },
                          [&](Number at) { return std::to_string(at(config)); },
                          [&](ByteCount bytes) { return quoted(bytes_text(bytes.at(config))); },
                          [&](Time at) { return quoted(time_text(at(config))); },
                          [&](FailureAnswer at) { return quoted(model::name(at(config))); }},
        place);
}

/// Puts a node's value in its place; what is wrong otherwise.
std::optional<std::string> assign(const Place& place, const toml::node& node, model::Config& config) {
    const auto text = node.value_exact<std::string>();
    return std::visit(Overloaded{[&](Text at) -> std::optional<std::string> {
                                     if (!text) return "a text is wanted";
                                     at(config) = *text;
                                     return std::nullopt;
                                 },
                          [&](Texts at) -> std::optional<std::string> {
                              const toml::array* array = node.as_array();
                              std::vector<std::string> items;
                              for (std::size_t i = 0; array && i < array->size(); ++i) {
                                  const auto item = (*array)[i].value_exact<std::string>();
                                  if (!item) return "a list of texts is wanted";
                                  items.push_back(*item);
                              }
                              if (!array) return "a list of texts is wanted";
                              at(config) = std::move(items);
                              return std::nullopt;
                          },
                          [&](Number at) -> std::optional<std::string> {
                              const auto value = node.value_exact<std::int64_t>();
                              if (!value || *value < 0) return "a number is wanted";
                              at(config) = static_cast<std::uint64_t>(*value);
                              return std::nullopt;
                          },
                          [&](ByteCount bytes) -> std::optional<std::string> {
                              const auto value = parse_bytes(text.value_or(""));
                              if (!value) return value.error().text;
                              bytes.at(config) = *value;
                              return std::nullopt;
                          },
                          [&](Time at) -> std::optional<std::string> {
                              const auto value = parse_time(text.value_or(""));
                              if (!value) return value.error().text;
                              at(config) = *value;
                              return std::nullopt;
                          },
                          [&](FailureAnswer at) -> std::optional<std::string> {
                              const auto value = model::parse_on_failure(text.value_or(""));
                              if (!value)
                                  return "refuse, end or alarm is wanted" +
                                         base::did_you_mean(text.value_or(""), {"refuse", "end", "alarm"});
                              at(config) = *value;
                              return std::nullopt;
                          }},
        place);
}

class Reader {
public:
    explicit Reader(std::string_view file) : m_file(file) {}

    void table(const toml::table& table, const std::string& prefix) {
        for (const auto& [key, node] : table) {
            const std::string full = prefix + std::string(key.str());
            if (is_section(full)) {
                const toml::table* inner = node.as_table();
                if (inner)
                    this->table(*inner, full + ".");
                else
                    problem(node.source().begin.line, fmt::format("{} is a section: write [{}]", full, full));
            } else if (const ConfigKey* known = find(full)) {
                value(*known, node);
            } else {
                unknown(full, node);
            }
        }
    }

    Result<model::Config> result() {
        // Once everything is in place: a check may look at several keys.
        for (const auto& [key, line] : m_set) {
            if (const std::string wrong = key->wrong(m_config); !wrong.empty())
                problem(line, fmt::format("{}: {}", key->key, wrong));
        }
        if (!m_problems.empty()) return fail(fmt::format("{}", fmt::join(m_problems, "\n")));
        return std::move(m_config);
    }

    void problem(toml::source_index line, std::string_view text) {
        m_problems.push_back(fmt::format("{}:{}: {}", m_file, line, text));
    }

private:
    static bool is_section(std::string_view name) {
        return std::any_of(config_keys().begin(), config_keys().end(), [&](const ConfigKey& key) {
            return key.key.size() > name.size() && key.key.starts_with(name) && key.key[name.size()] == '.';
        });
    }
    static const ConfigKey* find(std::string_view name) {
        const auto found =
            std::find_if(config_keys().begin(), config_keys().end(), [&](const ConfigKey& key) { return key.key == name; });
        return found == config_keys().end() ? nullptr : &*found;
    }

    void value(const ConfigKey& key, const toml::node& node) {
        const auto line = node.source().begin.line;
        if (const auto wrong = assign(key.place, node, m_config)) {
            problem(line, fmt::format("{}: {}", key.key, *wrong));
        } else {
            m_set.emplace_back(&key, line);
        }
    }

    /// Keys and sections are what may have been meant.
    void unknown(const std::string& full, const toml::node& node) {
        std::vector<std::string> known;
        for (const ConfigKey& key : config_keys()) {
            known.emplace_back(key.key);
            if (const std::size_t dot = key.key.rfind('.'); dot != std::string_view::npos)
                known.emplace_back(key.key.substr(0, dot));
        }
        problem(node.source().begin.line, fmt::format("unknown key {}{}", full, base::did_you_mean(full, known)));
    }

    std::string m_file;
    model::Config m_config;
    std::vector<std::pair<const ConfigKey*, toml::source_index>> m_set;
    std::vector<std::string> m_problems;
};

std::string_view reload_text(Reload reload) {
    switch (reload) {
        case Reload::Live: return "at SIGHUP";
        case Reload::NewSessions: return "at SIGHUP, for new sessions";
        case Reload::Restart: return "at restart";
    }
    return "";
}

/// Help as comment lines of at most `width` columns.
std::string comment(std::string_view text, std::size_t width) {
    std::string out;
    std::string line = "#";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (line.size() + 1 + end > width) {
            out += line;
            out += '\n';
            line = "#";
        }
        line += ' ';
        line += text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    out += line;
    out += '\n';
    return out;
}

}  // namespace

Result<model::Config> parse_config(std::string_view text, std::string_view file_name) {
    Reader reader(file_name);
    if (const auto parsed = store::parse_toml(text)) {
        reader.table(*parsed, "");
    } else {
        reader.problem(parsed.error().line, parsed.error().text);
    }
    return reader.result();
}

Result<model::Config> load_config(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail("cannot read the configuration " + path + "; make one with `sekisho init`, or name it with --config");
    std::string text(kMostConfigBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (file.bad() || text.empty()) return fail("cannot read the configuration " + path);
    if (text.size() > kMostConfigBytes) return fail("the configuration " + path + " is larger than 1 MiB");
    return parse_config(text, path);
}

std::string sample_config(const std::vector<std::pair<std::string, std::string>>& values) {
    std::string out = "# What this machine does. Who may do what is in access files: `sekisho apply FILE`.\n";
    model::Config defaults;
    std::string section;
    for (const ConfigKey& key : config_keys()) {
        const std::size_t dot = key.key.rfind('.');
        const std::string of(dot == std::string_view::npos ? "" : key.key.substr(0, dot));
        if (of != section) out += fmt::format("\n[{}]\n", section = of);
        const auto stated =
            std::find_if(values.begin(), values.end(), [&](const auto& value) { return value.first == key.key; });
        const std::string_view name = dot == std::string_view::npos ? key.key : key.key.substr(dot + 1);
        out += "\n" + comment(fmt::format("{} Counts {}.", key.help, reload_text(key.reload)), 100);
        out += stated == values.end() ? fmt::format("#{} = {}\n", name, toml_text(key.place, defaults))
                                      : fmt::format("{} = {}\n", name, quoted(stated->second));
    }
    return out;
}

std::string config_manual() {
    std::string out = "| key | type | default | meaning | a change counts |\n|---|---|---|---|---|\n";
    model::Config defaults;
    for (const ConfigKey& key : config_keys()) {
        out += fmt::format("| `{}` | {} | `{}` | {} | {} |\n", key.key, type_name(key.place), toml_text(key.place, defaults),
            key.help, reload_text(key.reload));
    }
    return out;
}

}  // namespace sekisho::app
