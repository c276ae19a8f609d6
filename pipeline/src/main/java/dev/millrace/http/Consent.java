package dev.millrace.http;

import dev.millrace.http.Problems.ProblemException;
import dev.millrace.http.access.Caller;
import dev.millrace.spec.access.AccessSetting.Role;
import org.springframework.http.HttpStatus;

/// Who must agree before the traffic is moved or the migration ends. A dry run needs nobody, and
/// neither does the way back out of an operation that runs. Stateless.
final class Consent {

    private Consent() {}

    /// @throws ProblemException if the caller is no approver
    static void requireApprover() {
        Caller caller = Caller.current();
        if (!caller.role().includes(Role.APPROVER)) {
            throw new ProblemException(
                    Problems.of(
                            HttpStatus.FORBIDDEN,
                            "Role not sufficient",
                            "%s, whose role is %s, may try this with a dry run only. Ask a person with the role approver."
                                    .formatted(caller.name(), caller.role().id())));
        }
    }
}
