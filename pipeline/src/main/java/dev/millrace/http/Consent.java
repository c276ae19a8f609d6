package dev.millrace.http;

import dev.millrace.approval.Approval;
import dev.millrace.approval.Approvals.Asked;
import dev.millrace.approval.Approvals.Person;
import dev.millrace.http.Problems.ProblemException;
import dev.millrace.http.access.AccessMode;
import dev.millrace.http.access.Caller;
import dev.millrace.spec.access.AccessSetting.Role;
import org.springframework.http.HttpStatus;

/// Who must agree before the traffic is moved or the migration ends: an approver, and a second one
/// if the file says so. A dry run needs nobody, and neither does the way back out of an operation
/// that runs. Thread-safe.
final class Consent {

    private final MigrationHost host;
    private final boolean ofTwo;

    Consent(MigrationHost host, AccessMode mode) {
        this.host = host;
        this.ofTwo = mode.approvals() > 1;
    }

    boolean isOfTwo() {
        return ofTwo;
    }

    /// Lets a request wait for a second approver.
    Approval ask(Asked asked) {
        return host.approvals().ask(asked, person(), host.control().status().phase());
    }

    static Person person() {
        Caller caller = Caller.current();
        return new Person(caller.id(), caller.name());
    }

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
