package dev.millrace.grants;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import com.tngtech.archunit.core.domain.JavaMethodReference;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.testing.TestDatabase;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The administrator of a test is a superuser, and the product never logs in as one. So only listed
/// tests use the name and password of the administrator, or open sessions with them.
class AdministratorTest {

    private static final JavaClasses TESTS =
            new ClassFileImporter()
                    .importPaths(
                            Path.of("target", "test-classes"),
                            Path.of("..", "connectors", "target", "test-classes"));

    private static final Set<String> KNOWN =
            Set.of(
                    // Makes the logins.
                    "GrantedLogins",
                    // Prepares the control schema, as a role that owns nothing else.
                    "PostgresServer",
                    // Is a standby, which logs in to its primary.
                    "StandbyServer",
                    // A client of the application.
                    "PooledClientsIT",
                    // The traffic of the shop's applications.
                    "ShopIT",
                    // A client that reads the log and the control schema beside the service.
                    "RunScene",
                    // Starts two servers, and is the other programs that put load on them.
                    "ReactionScene",
                    // Watches a stream as a third party.
                    "OppositeStreamsIT",
                    // Sample databases that a person loads; ends with the rights of who loaded
                    // them.
                    "SamplesIT",
                    // Gives a table to another owner.
                    "SwitchoverReadinessIT");

    private static boolean logsIn(JavaCodeUnitAccess<?> access) {
        JavaClass owner = access.getTargetOwner();
        return owner.isEquivalentTo(TestDatabase.class)
                        && Set.of("username", "password", "session").contains(access.getName())
                || owner.isEquivalentTo(SandboxPostgres.class)
                        && access.getName().equals("passwordFile");
    }

    /// Of which a caller can open as many as it likes.
    private static boolean isSourceOfSessions(JavaMethodReference reference) {
        return reference.getTargetOwner().isEquivalentTo(TestDatabase.class)
                && reference.getName().equals("connect");
    }

    private static boolean logsIn(JavaClass test) {
        return test.getMethodCallsFromSelf().stream().anyMatch(AdministratorTest::logsIn)
                || test.getMethodReferencesFromSelf().stream()
                        .anyMatch(reference -> logsIn(reference) || isSourceOfSessions(reference));
    }

    @Test
    void theProductIsNeverLoggedInAsTheAdministrator() {
        Set<String> callers = new TreeSet<>();
        for (JavaClass test : TESTS) {
            if (logsIn(test)) {
                JavaClass outer = test;
                while (outer.getEnclosingClass().isPresent()) {
                    outer = outer.getEnclosingClass().get();
                }
                callers.add(outer.getSimpleName());
            }
        }

        assertThat(callers).isEqualTo(new TreeSet<>(KNOWN));
    }
}
