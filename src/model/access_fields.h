// The fields of users, targets, rules and client hosts, once: name in access files, in JSON and on the command line, type, the
// words that may stand there, and what they mean. Read by the access file's parser (store), the admin API and its description (web),
// and by --help and completion (cli).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::model {

enum class FieldType { Text, Texts, Flag, Pairs, Number };

struct AccessField {
    std::string_view name;  // "when.from": from, in the table when
    FieldType type;
    bool required;
    std::string_view help;
    std::vector<std::string_view> words;  // the only values, where there are few; of a list: of its items
};

/// `kind`: user, target, rule, client_host (the command is called client-host) or route. The name comes first.
const std::vector<AccessField>& access_fields(std::string_view kind);
/// Null where there is no such field.
const AccessField* access_field(std::string_view kind, std::string_view name);

/// The keys of an object of this kind, or of its table `table`.
std::vector<std::string> field_names(std::string_view kind, std::string_view table = {});

}  // namespace sekisho::model
