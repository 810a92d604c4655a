#include "cli/field_words.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/nearest.h"
#include "model/access_fields.h"

namespace sekisho::cli {
namespace {

using Json = nlohmann::json;
using model::AccessField;
using model::FieldType;

enum class Sign { Set, Add, Take };

struct Word {
    std::string field;
    Sign sign = Sign::Set;
    std::string value;
};

Result<Word> split(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        return fail(fmt::format("\"{}\": write FIELD=VALUE, or for a list FIELD+=VALUE or FIELD-=VALUE", text));
    Word word{text.substr(0, equals), Sign::Set, text.substr(equals + 1)};
    if (word.field.ends_with('+')) word.sign = Sign::Add;
    if (word.field.ends_with('-')) word.sign = Sign::Take;
    if (word.sign != Sign::Set) word.field.pop_back();
    return word;
}

/// Key lines have commas of their own.
bool one_value_each(const AccessField& field) { return field.name == "keys" || field.name.starts_with("host_"); }

/// "a,b" is two values; "\," is a comma within one.
std::vector<std::string> values_of(const AccessField& field, const std::string& text) {
    if (text.empty()) return {};
    if (one_value_each(field)) return {text};
    std::vector<std::string> values(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') {
            values.back() += text[++i];
        } else if (text[i] == ',') {
            values.emplace_back();
        } else {
            values.back() += text[i];
        }
    }
    return values;
}

/// The member of `object` for "a" or "a.b", made where it is missing.
Json& member(Json& object, std::string_view path) {
    const std::size_t dot = path.find('.');
    Json& first = object[std::string(path.substr(0, dot))];
    return dot == std::string_view::npos ? first : first[std::string(path.substr(dot + 1))];
}

std::vector<std::string> there_now(const JsonView* there, std::string_view path) {
    if (!there) return {};
    const std::size_t dot = path.find('.');
    if (dot == std::string_view::npos) return there->texts(path);
    return there->at(path.substr(0, dot)).texts(path.substr(dot + 1));
}

class Body {
public:
    Body(std::string_view kind, const JsonView* there) : m_kind(kind), m_there(there) {}

    Result<void> take(const Word& word) {
        const AccessField* field = model::access_field(m_kind, word.field);
        if (field) return take(*field, word);
        const std::size_t dot = word.field.find('.');
        const std::string table = word.field.substr(0, dot);
        const AccessField* pairs = dot == std::string::npos ? nullptr : model::access_field(m_kind, table);
        if (pairs && pairs->type == FieldType::Pairs && word.sign == Sign::Set) {
            m_body[table][word.field.substr(dot + 1)] = word.value.empty() ? Json(nullptr) : Json(word.value);
            return {};
        }
        // "when=" takes the whole table out.
        const bool is_table = !model::field_names(m_kind, word.field).empty();
        if (is_table && word.sign == Sign::Set && word.value.empty()) {
            m_body[word.field] = nullptr;
            return {};
        }
        return unknown(word.field);
    }

    std::string text() const { return m_body.dump(-1, ' ', false, Json::error_handler_t::replace); }
    void name(std::string_view name) { m_body["name"] = name; }

private:
    Result<void> unknown(const std::string& field) const {
        std::vector<std::string> known;
        for (const AccessField& one : model::access_fields(m_kind)) known.emplace_back(one.name);
        return fail(fmt::format("unknown field {} of a {}{}; fields are {}", field, m_kind, base::did_you_mean(field, known),
            fmt::join(known, ", ")));
    }

    Result<void> take(const AccessField& field, const Word& word) {
        if (field.name == "name") return fail("name is what stands before the fields, and cannot be changed");
        if (word.sign != Sign::Set && field.type != FieldType::Texts) {
            return fail(fmt::format("{} is not a list; write {}=VALUE", field.name,
                field.type == FieldType::Pairs ? fmt::format("{}.NAME", field.name) : std::string(field.name)));
        }
        switch (field.type) {
            case FieldType::Text:
                member(m_body, field.name) = word.value.empty() ? Json(nullptr) : Json(word.value);
                return {};
            case FieldType::Number: return number(field, word);
            case FieldType::Flag:
                if (word.value != "true" && word.value != "false")
                    return fail(fmt::format("{} is true or false", field.name));
                m_body[std::string(field.name)] = word.value == "true";
                return {};
            case FieldType::Pairs:
                if (!word.value.empty())
                    return fail(fmt::format("{0} is written {0}.NAME=VALUE; {0}= clears it", field.name));
                m_body[std::string(field.name)] = nullptr;
                return {};
            case FieldType::Texts: return list(field, word);
        }
        return {};
    }

    Result<void> number(const AccessField& field, const Word& word) {
        std::uint32_t value = 0;
        const char* end = word.value.data() + word.value.size();
        const auto [behind, error] = std::from_chars(word.value.data(), end, value);
        if (!word.value.empty() && (error != std::errc() || behind != end)) return fail(fmt::format("{} is a number", field.name));
        member(m_body, field.name) = word.value.empty() ? Json(nullptr) : Json(value);
        return {};
    }

    /// A list that is named again is gone on with.
    Result<void> list(const AccessField& field, const Word& word) {
        const std::string path(field.name);
        const std::vector<std::string> values = values_of(field, word.value);
        const bool begun = std::ranges::find(m_begun, path) != m_begun.end();
        std::vector<std::string> now = begun                    ? member(m_body, path).is_null()
                                                                      ? std::vector<std::string>()
                                                                      : member(m_body, path).get<std::vector<std::string>>()
                                                          : word.sign == Sign::Set ? std::vector<std::string>()
                                                                : there_now(m_there, path);
        for (const std::string& value : values) {
            const auto place = std::ranges::find(now, value);
            if (word.sign == Sign::Take) {
                if (place == now.end()) return fail(fmt::format("{} does not have \"{}\"", path, value));
                now.erase(place);
            } else if (place == now.end()) {
                now.push_back(value);
            }
        }
        member(m_body, path) = now.empty() ? Json(nullptr) : Json(now);
        if (!begun) m_begun.push_back(path);
        return {};
    }

    std::string_view m_kind;
    const JsonView* m_there;
    Json m_body = Json::object();
    std::vector<std::string> m_begun;
};

}  // namespace

bool need_what_is_there(const std::vector<std::string>& words) {
    return std::ranges::any_of(words, [](const std::string& text) {
        const auto word = split(text);
        return word && word->sign != Sign::Set;
    });
}

Result<std::string> body_of_words(
    std::string_view kind, const std::vector<std::string>& words, const JsonView* there, std::string_view name) {
    Body body(kind, there);
    for (const std::string& text : words) {
        const auto word = split(text);
        if (!word) return std::unexpected(word.error());
        if (auto taken = body.take(*word); !taken) return std::unexpected(taken.error());
    }
    if (!name.empty()) body.name(name);
    return body.text();
}

std::string fields_help(std::string_view kind) {
    std::string out = "Fields, as in an access file:\n";
    for (const AccessField& field : model::access_fields(kind)) {
        if (field.name == "name") continue;
        const std::string shown =
            field.type == FieldType::Pairs ? fmt::format("{}.NAME", field.name) : std::string(field.name);
        std::string help(field.help);
        if (!field.words.empty()) help += fmt::format(": {}", fmt::join(field.words, ", "));
        out += fmt::format("  {:<16} {}{}{}\n", shown, field.type == FieldType::Texts ? "list; " : "", help,
            field.required ? " (required)" : "");
    }
    return out +
           "FIELD= clears; FIELD+=VALUE and FIELD-=VALUE add to a list and take from it; commas stand between values.\n";
}

Result<std::string> key_body(const std::vector<std::string>& words) {
    Json body = Json::object();
    const std::vector<std::string> known{"options", "comment"};
    for (const std::string& text : words) {
        const auto word = split(text);
        if (!word) return std::unexpected(word.error());
        if (word->sign != Sign::Set || std::ranges::find(known, word->field) == known.end())
            return fail(fmt::format(
                "{}: of a key, options=… and comment=… can be set{}", text, base::did_you_mean(word->field, known)));
        body[word->field] = word->value.empty() ? Json(nullptr) : Json(word->value);
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string lists_body(const std::vector<std::pair<std::string, std::vector<std::string>>>& lists) {
    Json body = Json::object();
    for (const auto& [name, values] : lists) {
        if (!values.empty()) body[name] = values;
    }
    return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string secret_body(std::string_view kind, std::string_view login, std::string_view sealed) {
    Json body{{"kind", kind}, {"sealed", sealed}};
    if (!login.empty()) body["login"] = login;
    return body.dump();
}

std::string step_body(std::string_view step) { return Json{{"step", step}}.dump(); }

}  // namespace sekisho::cli
