// A server's answer with one thing in it that is otherwise.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace sekisho::s3 {

inline std::string changed_in(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), with);
}

}  // namespace sekisho::s3
