#include "sftp/paths.h"

#include <algorithm>

namespace sekisho::sftp {

namespace {

/// Names between slashes, without empty ones.
std::vector<std::string_view> names_of(std::string_view path) {
    std::vector<std::string_view> names;
    while (!path.empty()) {
        const std::string_view name = path.substr(0, path.find('/'));
        if (!name.empty()) names.push_back(name);
        path.remove_prefix(std::min(name.size() + 1, path.size()));
    }
    return names;
}

}  // namespace

/// Linear in one times the other: only the last star is tried again.
bool name_fits(std::string_view pattern, std::string_view name) {
    std::size_t p = 0, n = 0, star = std::string_view::npos, after_star = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            after_star = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++after_star;
        } else {
            return false;
        }
    }
    return pattern.substr(p).find_first_not_of('*') == std::string_view::npos;
}

std::string normal_path(std::string_view home, std::string_view path) {
    std::vector<std::string_view> names;
    if (!path.starts_with('/')) names = names_of(home);
    for (const std::string_view name : names_of(path)) {
        if (name == "..") {
            if (!names.empty()) names.pop_back();
        } else if (name != ".") {
            names.push_back(name);
        }
    }
    std::string out;
    for (const std::string_view name : names) out.append("/").append(name);
    return out.empty() ? "/" : out;
}

bool is_real_path(std::string_view path) {
    if (path == "/") return true;
    return path.starts_with('/') && path.find('\0') == std::string_view::npos && normal_path({}, path) == path;
}

Split split_path(std::string_view path) {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    const std::size_t slash = path.rfind('/');
    const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == "..") return {std::string(path.empty() ? "." : path), {}};
    if (slash == std::string_view::npos) return {".", std::string(name)};
    return {std::string(path.substr(0, slash + 1)), std::string(name)};
}

std::string joined_path(std::string_view folder, std::string_view name) {
    std::string out(folder);
    if (!out.ends_with('/')) out += '/';
    return out.append(name);
}

PathPatterns::PathPatterns(const std::vector<std::string>& patterns) {
    for (const std::string& text : patterns) {
        Pattern pattern;
        for (const std::string_view name : names_of(text)) pattern.names.emplace_back(name);
        pattern.below = text.ends_with("/**");
        if (pattern.below) pattern.names.pop_back();
        m_patterns.push_back(std::move(pattern));
    }
}

Reach PathPatterns::reach(std::string_view path) const {
    const auto names = names_of(path);
    Reach most = Reach::Out;
    for (const Pattern& pattern : m_patterns) {
        const std::size_t both = std::min(names.size(), pattern.names.size());
        bool same = true;
        for (std::size_t i = 0; i < both && same; ++i) same = name_fits(pattern.names[i], names[i]);
        if (!same) continue;
        if (names.size() < pattern.names.size()) {
            most = std::max(most, Reach::OnTheWay);
        } else if (names.size() > pattern.names.size()) {
            if (pattern.below) return Reach::Under;
        } else if (!pattern.below) {
            return Reach::Under;
        } else {
            most = std::max(most, Reach::Folder);
        }
    }
    return most;
}

}  // namespace sekisho::sftp
