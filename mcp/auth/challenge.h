// Challenge: what a server says it wants in the header WWW-Authenticate (RFC 9110, section 11.6.1;
// RFC 6750, section 3; RFC 9728, section 5.1).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::mcp {

struct Challenge {
  std::string scheme;                                           // in lower case
  std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case

  // Empty where there is none of that name.
  std::string Find(std::string_view name) const;
};

// Reads as far as it can be understood.
std::vector<Challenge> ParseChallenges(std::string_view header);

// The one for Bearer tokens; an empty one where there is none.
Challenge BearerChallenge(std::string_view header);

}  // namespace hearth::mcp
