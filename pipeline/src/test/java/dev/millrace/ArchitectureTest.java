package dev.millrace;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// The walls between packages. Each rule is named after what holds. The last tests show that the
/// rules can fail.
class ArchitectureTest {

    private static final JavaClasses PRODUCT =
            new ClassFileImporter()
                    .withImportOption(new ImportOption.DoNotIncludeTests())
                    .withImportOption(location -> !location.contains("-tests.jar"))
                    .importPackages("dev.millrace");

    private static final ArchRule SPRING_ONLY_IN_HTTP_AND_APP =
            noClasses()
                    .that()
                    .resideOutsideOfPackages("dev.millrace.http..", "dev.millrace.app..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("org.springframework..", "io.micrometer..");

    private static final ArchRule DEBEZIUM_AND_CONNECT_ONLY_IN_CAPTURE =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("dev.millrace.capture..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("io.debezium..", "org.apache.kafka.connect..");

    private static final ArchRule KAFKA_STREAMS_ONLY_IN_TOPOLOGY_AND_MAPPINGS =
            noClasses()
                    .that()
                    .resideOutsideOfPackages("dev.millrace.topology..", "dev.millrace.mappings..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("org.apache.kafka.streams..");

    /// A fault's type may pass through; a connection may not. In `migration` the stores talk to the
    /// control schema, and those named here open the sessions that they hand to stores and rooms.
    private static final ArchRule DATABASES_ARE_TALKED_TO_AT_THE_EDGES =
            noClasses()
                    .that(
                            DescribedPredicate.not(
                                    resideInAnyPackage(
                                                    "dev.millrace.postgres..",
                                                    "dev.millrace.control..",
                                                    "dev.millrace.capture..",
                                                    "dev.millrace.apply..",
                                                    "dev.millrace.digest..",
                                                    "dev.millrace.sandbox..",
                                                    "dev.millrace.demo..")
                                            .or(
                                                    resideInAPackage("dev.millrace.migration..")
                                                            .and(
                                                                    nameMatching(
                                                                            ".*\\.(.*(Store|Journal)|Migration|LiveReplicationProgress|GenerationStart|LagMonitor)(\\$.*)?")))))
                    .should()
                    .dependOnClassesThat(
                            resideInAnyPackage("java.sql..", "javax.sql..", "org.postgresql..")
                                    .and(
                                            DescribedPredicate.not(
                                                    JavaClass.Predicates.assignableTo(
                                                            SQLException.class))));

    /// A session that is opened otherwise has other settings. The sandbox opens sessions on servers
    /// of its own making.
    private static final ArchRule SESSIONS_ARE_OPENED_IN_ONE_PLACE =
            noClasses()
                    .that()
                    .doNotHaveFullyQualifiedName("dev.millrace.postgres.SessionFactory")
                    .and()
                    .resideOutsideOfPackage("dev.millrace.sandbox..")
                    .should()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("org.postgresql.Driver")
                    .orShould()
                    .dependOnClassesThat()
                    .haveFullyQualifiedName("java.sql.DriverManager");

    private static final ArchRule TRANSFORMS_KNOW_NO_EDGE =
            noClasses()
                    .that()
                    .resideInAnyPackage(
                            "dev.millrace.change..",
                            "dev.millrace.hint..",
                            "dev.millrace.sql..",
                            "dev.millrace.expression..",
                            "dev.millrace.mapping..",
                            "dev.millrace.spec..",
                            "dev.millrace.topology..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "java.sql..",
                            "dev.millrace.postgres..",
                            "dev.millrace.capture..",
                            "dev.millrace.apply..",
                            "dev.millrace.control..",
                            "dev.millrace.digest..",
                            "dev.millrace.kafka..",
                            "dev.millrace.mappings..");

    private static final ArchRule CAPTURE_DOES_NOT_KNOW_APPLY =
            noClasses()
                    .that()
                    .resideInAPackage("dev.millrace.capture..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("dev.millrace.apply..");

    private static final ArchRule APPLY_DOES_NOT_KNOW_CAPTURE =
            noClasses()
                    .that()
                    .resideInAPackage("dev.millrace.apply..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("dev.millrace.capture..");

    private static final ArchRule RECONCILE_DOES_NOT_KNOW_SWITCHOVER =
            noClasses()
                    .that()
                    .resideInAPackage("dev.millrace.reconcile..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("dev.millrace.switchover..", "dev.millrace.migration..");

    private static final ArchRule SWITCHOVER_DOES_NOT_KNOW_RECONCILE =
            noClasses()
                    .that()
                    .resideInAPackage("dev.millrace.switchover..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("dev.millrace.reconcile..")
                    .allowEmptyShould(true);

    private static final ArchRule PACKAGES_HAVE_NO_CYCLES =
            slices().matching("dev.millrace.(*)..").should().beFreeOfCycles();

    private static final ArchRule TIME_IS_INJECTED =
            noClasses()
                    .that()
                    .resideOutsideOfPackages(
                            "dev.millrace.app..",
                            "dev.millrace.http..",
                            "dev.millrace.cli..",
                            "dev.millrace.demo..")
                    .should()
                    .accessTargetWhere(readsTheClock());

    /// But for the one pause between two attempts, which grows and can be interrupted.
    private static final ArchRule NOBODY_SLEEPS =
            noClasses()
                    .that()
                    .doNotHaveFullyQualifiedName("dev.millrace.apply.Backoff")
                    .should()
                    .accessTargetWhere(
                            calls("sleep", Thread.class)
                                    .or(calls("sleep", java.util.concurrent.TimeUnit.class))
                                    .as("a fixed sleep"));

    private static final ArchRule NAMES_SAY_WHAT_A_TYPE_IS =
            classes()
                    .should()
                    .haveNameNotMatching(
                            ".*\\.(.*(Util|Utils|Helper|Manager|Impl|Dto)|(Abstract|Base)[A-Z].*)");

    private static final ArchRule NO_PACKAGE_FOR_THE_REST =
            noClasses()
                    .should()
                    .resideInAnyPackage("..util..", "..utils..", "..common..", "..misc..");

    private static final ArchRule JACKSON_2_ONLY_FOR_CONNECT =
            noClasses()
                    .that()
                    .resideOutsideOfPackage("dev.millrace.capture..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(
                            "com.fasterxml.jackson.databind..", "com.fasterxml.jackson.core..");

    /// But for PATH, where the sandbox looks for the programs that it starts.
    private static final ArchRule THE_ENVIRONMENT_IS_READ_AT_THE_DOOR =
            noClasses()
                    .that()
                    .resideOutsideOfPackages("dev.millrace.app..", "dev.millrace.cli..")
                    .and()
                    .doNotHaveFullyQualifiedName("dev.millrace.sandbox.ProcessTable")
                    .should()
                    .accessTargetWhere(calls("getenv", System.class));

    /// What an exception of another program says may quote a row; `lifecycle` decides what is
    /// shown. Named here is who reads messages that can't: the server's about the catalog and a
    /// login, Kafka's about its own objects, the parsers' about the user's own file and command
    /// line.
    private static final ArchRule FOREIGN_MESSAGES_ARE_READ_IN_ONE_PLACE =
            noClasses()
                    .that()
                    .resideOutsideOfPackages("dev.millrace.lifecycle..", "dev.millrace.spec..")
                    .and(
                            DescribedPredicate.not(
                                    nameMatching(
                                            "dev\\.millrace\\.(postgres\\.Database(\\$DatabaseFailure)?"
                                                    + "|kafka\\.Broker|cli\\.Millrace|demo\\.Demo)")))
                    .should()
                    .accessTargetWhere(asksAForeignException());

    @Test
    void foreignMessagesAreReadInOnePlace() {
        FOREIGN_MESSAGES_ARE_READ_IN_ONE_PLACE.check(PRODUCT);
    }

    @Test
    void springOnlyInHttpAndApp() {
        SPRING_ONLY_IN_HTTP_AND_APP.check(PRODUCT);
    }

    @Test
    void debeziumAndConnectOnlyInCapture() {
        DEBEZIUM_AND_CONNECT_ONLY_IN_CAPTURE.check(PRODUCT);
    }

    @Test
    void kafkaStreamsOnlyInTopologyAndMappings() {
        KAFKA_STREAMS_ONLY_IN_TOPOLOGY_AND_MAPPINGS.check(PRODUCT);
    }

    @Test
    void databasesAreTalkedToAtTheEdges() {
        DATABASES_ARE_TALKED_TO_AT_THE_EDGES.check(PRODUCT);
    }

    @Test
    void transformsKnowNoEdge() {
        TRANSFORMS_KNOW_NO_EDGE.check(PRODUCT);
    }

    @Test
    void captureAndApplyDoNotKnowEachOther() {
        CAPTURE_DOES_NOT_KNOW_APPLY.check(PRODUCT);
        APPLY_DOES_NOT_KNOW_CAPTURE.check(PRODUCT);
    }

    @Test
    void reconcileAndSwitchoverDoNotKnowEachOther() {
        RECONCILE_DOES_NOT_KNOW_SWITCHOVER.check(PRODUCT);
        SWITCHOVER_DOES_NOT_KNOW_RECONCILE.check(PRODUCT);
    }

    @Test
    void packagesHaveNoCycles() {
        PACKAGES_HAVE_NO_CYCLES.check(PRODUCT);
    }

    @Test
    void timeIsInjected() {
        TIME_IS_INJECTED.check(PRODUCT);
    }

    @Test
    void nobodySleeps() {
        NOBODY_SLEEPS.check(PRODUCT);
    }

    @Test
    void sessionsAreOpenedInOnePlace() {
        SESSIONS_ARE_OPENED_IN_ONE_PLACE.check(PRODUCT);
    }

    @Test
    void namesSayWhatATypeIs() {
        NAMES_SAY_WHAT_A_TYPE_IS.check(PRODUCT);
    }

    @Test
    void noPackageForTheRest() {
        NO_PACKAGE_FOR_THE_REST.check(PRODUCT);
    }

    @Test
    void jackson2OnlyForConnect() {
        JACKSON_2_ONLY_FOR_CONNECT.check(PRODUCT);
    }

    @Test
    void theEnvironmentIsReadAtTheDoor() {
        THE_ENVIRONMENT_IS_READ_AT_THE_DOOR.check(PRODUCT);
    }

    @Test
    void everyPackageIsChecked() {
        assertThat(
                        PRODUCT.stream()
                                .map(JavaClass::getPackageName)
                                .filter(name -> name.startsWith("dev.millrace.")))
                .contains(
                        "dev.millrace.change",
                        "dev.millrace.hint",
                        "dev.millrace.spec",
                        "dev.millrace.sql",
                        "dev.millrace.expression",
                        "dev.millrace.mapping",
                        "dev.millrace.topology",
                        "dev.millrace.postgres",
                        "dev.millrace.kafka",
                        "dev.millrace.lifecycle",
                        "dev.millrace.control",
                        "dev.millrace.capture",
                        "dev.millrace.mappings",
                        "dev.millrace.apply",
                        "dev.millrace.digest",
                        "dev.millrace.sandbox",
                        "dev.millrace.preflight",
                        "dev.millrace.lag",
                        "dev.millrace.migration",
                        "dev.millrace.reconcile",
                        "dev.millrace.http",
                        "dev.millrace.app",
                        "dev.millrace.cli");
    }

    @Test
    void aTrespasserIsSeen() {
        assertSees(SPRING_ONLY_IN_HTTP_AND_APP, "SpringOutsideItsRoom");
        assertSees(DATABASES_ARE_TALKED_TO_AT_THE_EDGES, "TalksToADatabase");
        assertSees(SESSIONS_ARE_OPENED_IN_ONE_PLACE, "OpensASession");
        assertSees(TIME_IS_INJECTED, "TellsTheTime");
        assertSees(NOBODY_SLEEPS, "Sleeps");
        assertSees(NAMES_SAY_WHAT_A_TYPE_IS, "RowManager");
        assertSees(FOREIGN_MESSAGES_ARE_READ_IN_ONE_PLACE, "QuotesAnException");
        assertSees(THE_ENVIRONMENT_IS_READ_AT_THE_DOOR, "ReadsTheEnvironment");
    }

    private static void assertSees(ArchRule rule, String trespasser) {
        JavaClasses trespassers = new ClassFileImporter().importPackages("dev.millrace.trespass");

        assertThat(String.join("\n", rule.evaluate(trespassers).getFailureReport().getDetails()))
                .contains(trespasser);
    }

    private static DescribedPredicate<JavaAccess<?>> asksAForeignException() {
        return DescribedPredicate.describe(
                "an exception of another program is asked for its message",
                access ->
                        Set.of("getMessage", "getLocalizedMessage").contains(access.getName())
                                && access.getTargetOwner().isAssignableTo(Throwable.class)
                                && !access.getTargetOwner()
                                        .getPackageName()
                                        .startsWith("dev.millrace"));
    }

    private static DescribedPredicate<JavaAccess<?>> readsTheClock() {
        return calls("now", Instant.class)
                .or(calls("currentTimeMillis", System.class))
                .or(calls("system", InstantSource.class))
                .or(calls("system", Clock.class))
                .or(calls("systemUTC", Clock.class))
                .or(calls("systemDefaultZone", Clock.class))
                .or(nowOf(Set.of("LocalDate", "LocalDateTime", "ZonedDateTime", "OffsetDateTime")))
                .as("a look at the machine's clock");
    }

    private static DescribedPredicate<JavaAccess<?>> nowOf(Set<String> types) {
        return DescribedPredicate.describe(
                "now",
                access ->
                        access.getName().equals("now")
                                && types.contains(access.getTargetOwner().getSimpleName()));
    }

    private static DescribedPredicate<JavaAccess<?>> calls(String method, Class<?> owner) {
        return DescribedPredicate.describe(
                owner.getSimpleName() + "." + method,
                access ->
                        access.getName().equals(method)
                                && access.getTargetOwner().isEquivalentTo(owner));
    }
}
