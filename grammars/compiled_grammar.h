// CompiledGrammar: a grammar ready to be matched; immutable, shared by any number of threads and
// sequences. It does not depend on a vocabulary. Its lazily made automaton states lock themselves.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace hearth::grammar {

struct Program;  // matcher/program.h

class CompiledGrammar {
 public:
  explicit CompiledGrammar(std::unique_ptr<const Program> program);
  ~CompiledGrammar();
  CompiledGrammar(const CompiledGrammar&) = delete;
  CompiledGrammar& operator=(const CompiledGrammar&) = delete;

  // What the schemas say that is not enforced: annotations that look like rules, unknown formats.
  const std::vector<std::string>& notes() const;
  // Whether some token is named by id.
  bool names_tokens() const;
  // Memory held, without the automaton states made since.
  size_t bytes() const;
  const Program& program() const { return *program_; }

 private:
  std::unique_ptr<const Program> program_;
};

}  // namespace hearth::grammar
