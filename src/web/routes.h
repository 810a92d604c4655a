// Routes: one row for each thing that can be asked of the admin API. Private to web.
#pragma once

#include <string_view>
#include <vector>

#include "web/api.h"

namespace sekisho::web {

struct Parameter {
    enum class Type { Text, Number, Flag };
    std::string_view name;
    Type type;
    std::string_view help;
    bool required = false;
};

/// What a body or an answer is: a content type, and for JSON the name of a schema.
struct Content {
    std::string_view type;
    std::string_view schema;
};

struct Api::Route {
    std::string_view method;
    std::string_view path;  // "/v1/users/{name}/keys": what stands for {name} is not empty; at the end it may hold slashes
    std::string_view id;
    std::string_view summary;
    Permission needs;
    Response (Api::*handler)(const Call& call);
    std::string_view kind;
    std::vector<Parameter> query;
    std::vector<Content> body;
    Content answer;
};

/// What stands for the part in braces, decoded already; nothing when `path` is another one.
std::optional<std::string> matched(std::string_view pattern, std::string_view path);

}  // namespace sekisho::web
