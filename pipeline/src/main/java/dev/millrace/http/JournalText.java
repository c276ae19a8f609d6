package dev.millrace.http;

import dev.millrace.http.Problems.ProblemException;
import dev.millrace.http.access.Caller;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;

/// A text of a request that goes to the journal and to terminals, which must not contain control
/// sequences. Stateless.
final class JournalText {

    private static final int MAX_LENGTH = 500;

    private JournalText() {}

    /// @param name of the field
    /// @return empty for an absent or blank text
    /// @throws ProblemException if the text is not one line of limited length
    static Optional<String> of(String name, @Nullable String given) {
        if (given == null || given.isBlank()) {
            return Optional.empty();
        }
        String text = given.strip();
        if (text.length() > MAX_LENGTH || text.chars().anyMatch(Character::isISOControl)) {
            throw invalid(
                    "'%s' must be one line of at most %d characters.".formatted(name, MAX_LENGTH));
        }
        return Optional.of(text);
    }

    /// Who sends the request, for the journal.
    ///
    /// @param given the name that the client sends
    static Optional<String> who(@Nullable String given) {
        return Caller.current().journaled(of("who", given));
    }

    /// The client's idempotency key.
    static Optional<String> requestKey(Optional<String> header) {
        return header.flatMap(key -> of("Idempotency-Key", key));
    }

    /// The names of the gates that an operator wants to pass.
    ///
    /// @throws ProblemException if a name is empty, or if there are names and no reason
    static Set<String> forced(@Nullable List<@Nullable String> given, Optional<String> reason) {
        List<@Nullable String> names = given == null ? List.of() : given;
        if (names.stream().anyMatch(name -> name == null || name.isBlank())) {
            throw invalid("A name in 'force' is empty. Use the name of a gate.");
        }
        if (!names.isEmpty() && reason.isEmpty()) {
            throw invalid("'force' needs a 'reason' for the journal.");
        }
        return Set.copyOf(names.stream().map(String::valueOf).toList());
    }

    static ProblemException invalid(String detail) {
        return new ProblemException(Problems.of(HttpStatus.BAD_REQUEST, "Invalid request", detail));
    }
}
