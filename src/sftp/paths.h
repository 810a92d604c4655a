// Paths of a server, as bytes between slashes, and the patterns of a rule that say which of them may be reached. A pattern is an absolute
// path whose names may hold * and ? (neither stands for a slash); "/**" at its end means everything below that folder, at any depth. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho::sftp {

/// How far a pattern lets a path go, from nothing to everything.
enum class Reach {
    Out,
    OnTheWay,  // a folder above what a pattern names: that it is there may be asked
    Folder,  // the folder of a "/**" itself: may be listed, too
    Under,  // named by a pattern, or below a "/**": everything
};

/// "a//./b/../c" as "/HOME/a/c"; nothing is asked of anybody, links are not seen.
std::string normal_path(std::string_view home, std::string_view path);
/// Absolute, without empty names, "." and "..", without NUL: what a server's answer to REALPATH must be.
bool is_real_path(std::string_view path);

struct Split {
    std::string folder;  // "." where none is named
    std::string name;  // empty: the path does not end in a name
};
/// The last name and what stands before it; slashes at the end do not count.
Split split_path(std::string_view path);
/// `*` for any text, `?` for one byte.
bool name_fits(std::string_view pattern, std::string_view name);
std::string joined_path(std::string_view folder, std::string_view name);

class PathPatterns {
public:
    explicit PathPatterns(const std::vector<std::string>& patterns);

    bool empty() const { return m_patterns.empty(); }
    /// `path` is_real_path().
    Reach reach(std::string_view path) const;

private:
    struct Pattern {
        std::vector<std::string> names;
        bool below = false;
    };
    std::vector<Pattern> m_patterns;
};

}  // namespace sekisho::sftp
