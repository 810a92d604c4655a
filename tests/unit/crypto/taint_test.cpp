// Runs taint/taint_kem.cpp under valgrind: no branch or index of ML-KEM and sntrup761 depends on a secret, in the machine code
// that this compiler made; and valgrind does find one that is put in.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

namespace sekisho::crypto {
namespace {

namespace fs = std::filesystem;

constexpr int kErrorExit = 9;

struct Outcome {
    int status;
    std::string output;
};

Outcome run_under_valgrind(const fs::path& program, const std::string& argument) {
    const std::string command = "valgrind -q --leak-check=no --error-exitcode=" + std::to_string(kErrorExit) + " '" +
                                program.string() + "' " + argument + " 2>&1";
    FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return {-1, "cannot run " + command};
    std::string output;
    std::array<char, 4096> buffer;
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
        output.append(buffer.data(), got);
    const int status = ::pclose(pipe);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

class Taint : public ::testing::Test {
protected:
    void SetUp() override {
        if (!fs::exists(m_program)) GTEST_SKIP() << "taint_kem was not built: no valgrind/memcheck.h, or a sanitizer build";
        if (std::system("valgrind --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "valgrind is not installed";
    }

    const fs::path m_program = fs::read_symlink("/proc/self/exe").parent_path() / "taint_kem";
};

TEST_F(Taint, SecretsDecideNoBranchAndNoIndex) {
    const Outcome outcome = run_under_valgrind(m_program, "");
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    EXPECT_NE(outcome.output.find("done"), std::string::npos) << outcome.output;
}

TEST_F(Taint, ABranchOnASecretIsFound) {
    const Outcome outcome = run_under_valgrind(m_program, "branch");
    EXPECT_EQ(outcome.status, kErrorExit) << outcome.output;
    EXPECT_NE(outcome.output.find("Conditional jump or move depends on uninitialised value"), std::string::npos)
        << outcome.output;
}

TEST_F(Taint, AnIndexOfASecretIsFound) {
    const Outcome outcome = run_under_valgrind(m_program, "index");
    EXPECT_EQ(outcome.status, kErrorExit) << outcome.output;
    EXPECT_NE(outcome.output.find("Use of uninitialised value"), std::string::npos) << outcome.output;
}

}  // namespace
}  // namespace sekisho::crypto
