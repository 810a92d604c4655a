// OpenSSH's ssh-keygen as the second implementation: a folder that vanishes with the test, and commands run in it.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace sekisho::test {

class KeygenFolder {
public:
    KeygenFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "sekisho-keys-XXXXXX").string();
        m_path = ::mkdtemp(pattern.data());
    }
    ~KeygenFolder() { std::filesystem::remove_all(m_path); }
    KeygenFolder(const KeygenFolder&) = delete;
    KeygenFolder& operator=(const KeygenFolder&) = delete;

    std::filesystem::path path(const std::string& name) const { return m_path / name; }

    /// Runs a shell command in the folder; its output, both streams. A failing command fails the test.
    std::string run(const std::string& command) const {
        const std::string whole = "cd '" + m_path.string() + "' && { " + command + "; } 2>&1";
        FILE* pipe = ::popen(whole.c_str(), "r");
        std::string out;
        std::array<char, 4096> buffer;
        while (const std::size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), n);
        const int status = ::pclose(pipe);
        EXPECT_EQ(status, 0) << command << "\n" << out;
        return out;
    }

    std::string read(const std::string& name) const {
        std::ifstream in(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    void write(const std::string& name, std::string_view text) const { std::ofstream(path(name), std::ios::binary) << text; }

    static bool available() { return std::system("ssh-keygen -? >/dev/null 2>&1; test $? -ne 127") == 0; }

private:
    std::filesystem::path m_path;
};

struct KeygenKind {
    const char* arguments;  // of ssh-keygen
    const char* name;
};

inline constexpr KeygenKind kKeygenKinds[] = {
    {"-t ed25519", "ed25519"},
    {"-t ecdsa -b 256", "ecdsa256"},
    {"-t ecdsa -b 384", "ecdsa384"},
    {"-t ecdsa -b 521", "ecdsa521"},
    {"-t rsa -b 2048", "rsa2048"},
    {"-t rsa -b 3072", "rsa3072"},
};

}  // namespace sekisho::test

#define SEKISHO_KEYGEN_OR_SKIP(folder)                                                              \
    if (!::sekisho::test::KeygenFolder::available()) GTEST_SKIP() << "ssh-keygen is not installed"; \
    const ::sekisho::test::KeygenFolder folder
