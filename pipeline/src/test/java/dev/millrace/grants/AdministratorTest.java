package dev.millrace.grants;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
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
                    // A client of the application.
                    "PooledClientsIT",
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
                    "SwitchoverReadinessIT",
                    "ApplierScenario",
                    "ControlRowsIT",
                    "ControlStoresIT",
                    "CutProxy",
                    "IndexScene",
                    "JournalChainIT",
                    "MovedRowsIT",
                    "PartsOfRowsIT",
                    "PausedApplyIT",
                    "PostgresServer",
                    "ReconciliationStoreIT",
                    "SameFailureIT",
                    "SequenceScene",
                    "SessionWatchIT",
                    "StandbyServer",
                    "TableResumeIT");

    private static boolean logsIn(JavaCodeUnitAccess<?> call) {
        JavaClass owner = call.getTargetOwner();
        return owner.isEquivalentTo(TestDatabase.class)
                        && Set.of("username", "password", "session").contains(call.getName())
                || owner.isEquivalentTo(SandboxPostgres.class)
                        && call.getName().equals("passwordFile");
    }

    @Test
    void theProductIsNeverLoggedInAsTheAdministrator() {
        Set<String> callers = new TreeSet<>();
        for (JavaClass test : TESTS) {
            if (test.getCodeUnitAccessesFromSelf().stream().anyMatch(AdministratorTest::logsIn)) {
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
