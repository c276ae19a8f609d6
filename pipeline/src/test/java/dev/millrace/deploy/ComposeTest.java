package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ComposeTest {

    private static final Checkout REPOSITORY = Checkout.repository();

    @Test
    void composeFileHasNoFindings() {
        assertThat(ComposeCheck.run(REPOSITORY)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    mem_limit: 1536m                | mem_limits: 1536m                 | mem_limits
                    image: millrace:0.1.0-SNAPSHOT  | image: millrace:0.0.9             | does not have version
                    apache/kafka:4.3.1              | apache/kafka:4.3.0                | does not have version
                    postgres:18.6                   | postgres:17.6                     | does not have version
                    prom/prometheus:v3.5.0          | prom/prometheus:latest            | no fixed version
                    source:5432/shop                | source:5433/shop                  | nothing listens at source:5433
                    target:5432/crm                 | target:5432/shop                  | is not a database of a service
                    PGDATABASE: shop                | PGDATABASE: shops                 | no such database at
                    BOOTSTRAP_SERVERS: kafka:9092   | BOOTSTRAP_SERVERS: kafka:9094     | nothing listens at kafka:9094
                    PLAINTEXT://kafka:9092          | PLAINTEXT://broker:9092           | unknown host broker
                    HOST://:19092                   | HOST://:19093                     | nothing listens on port 19092
                    127.0.0.1:8080:8080             | 8080:8080                         | on an address other than loopback
                    127.0.0.1:8080:8080             | 127.0.0.1:8080:8081               | nothing listens on port 8081
                    127.0.0.1:8080:8080             | 127.0.0.1:3000:8080               | published twice
                    tcp/127.0.0.1/8080              | tcp/127.0.0.1/8081                | uses port 8081
                    GET /actuator/health/readiness  | GET /actuator/health              | not served without a token
                    -h 127.0.0.1 -U                 | -U                                | during initialization of the server
                    ./pipeline/src/compose/load:    | ./pipeline/src/compose/loads:     | file not found:
                    /millrace/millrace.yaml:ro      | /millrace/millrace.yaml:rw                | not a mount
                    condition: service_healthy      | condition: service_started        | cannot become service_started
                    stop_grace_period: 90s          | stop_signal: SIGTERM              | stop_signal
                    SOURCE_URL:                     | SOURCE_ADDRESS:                   | variable not set: SOURCE_URL
                    SOURCE_URL:                     | SOURCE_ADDRESS:                   | unused variable SOURCE_ADDRESS
                    KAFKA_LOG_DIRS                  | KAFKA_LOG_FOLDERS                 | unused variable KAFKA_LOG_FOLDERS
                    MILLRACE_TOKEN:?copy            | MILLRACE_TOKENS:?copy             | does not set MILLRACE_TOKENS
                    environment: GRAFANA_PASSWORD   | environment: GRAFANA_SECRET       | does not set GRAFANA_SECRET
                    - millrace-token                | - target-password                 | it has the secrets
                    --bind, 0.0.0.0                 | --bind, 127.0.0.1                 | is not reachable from outside
                    read_only: true                 | read_only: false                  | the root file system is writable
                    cap_drop: [ALL]                 | cap_drop: [CHOWN]                 | capabilities are not dropped
                    'target-data:\n'                | 'targets-data:\n'                 | is not declared
                    DATA_DIR: /var/lib/millrace     | DATA_DIR: /tmp/millrace           | not on a volume
                    grafana/dashboards/overview     | grafana/dashboards/over           | nothing is mounted at
                    name: millrace                  | name:                             | name
                    """)
    void reportsAFaultInTheComposeFile(String text, String fault, String reported) {
        assertReported("docker-compose.yml", text, fault, reported);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    pipeline/pom.xml                                    | <port>8080</port>      | <port>8081</port> | the image listens on 8081
                    pipeline/pom.xml                                    | <volume>/var/lib/      | <volume>/srv/     | which is not a volume
                    pom.xml                                             | '<artifactId>millrace</artifactId>\n    <version>0.1.0-SNAPSHOT' | '<artifactId>millrace</artifactId>\n    <version>0.2.0' | does not have version 0.2.0
                    .env.example                                        | GRAFANA_PASSWORD=      | OTHER=            | does not set GRAFANA_PASSWORD
                    .env.example                                        | GRAFANA_PASSWORD=      | 'OTHER=x\nGRAFANA_PASSWORD=' | unused: OTHER
                    pipeline/src/compose/millrace.yaml                  | username               | usernam           | usernam
                    pipeline/src/compose/millrace.yaml                  | ${SOURCE_URL}          | ${SOURCE}         | SOURCE is not set
                    pipeline/src/compose/millrace.yaml                  | lower(email)           | lower(email      | crm.customer
                    pipeline/src/compose/prometheus/prometheus.yaml     | millrace:8080          | millrace:8081     | nothing listens at millrace:8081
                    pipeline/src/compose/prometheus/prometheus.yaml     | /actuator/prometheus   | /metrics          | is not served
                    pipeline/src/compose/prometheus/prometheus.yaml     | - rules.yaml           | - alerts.yaml     | file not found: alerts.yaml
                    pipeline/src/compose/prometheus/prometheus.yaml     | scrape_interval        | scrape_intervall  | scrape_intervall
                    pipeline/src/compose/prometheus/prometheus.yaml     | secrets/millrace-token | secrets/token     | but uses [token]
                    pipeline/src/compose/grafana/datasources/prometheus.yaml | prometheus:9090   | prometheus:9091   | nothing listens at prometheus:9091
                    pipeline/src/compose/grafana/dashboards/millrace.yaml    | /var/lib/grafana/dashboards | /dashboards | nothing is mounted at /dashboards
                    pipeline/src/compose/source/02-millrace.sql         | secrets/source-password | secrets/password | but uses
                    """)
    void reportsAFaultInAMountedFile(String file, String text, String fault, String reported) {
        assertReported(file, text, fault, reported);
    }

    private static void assertReported(String file, String text, String fault, String reported) {
        Checkout planted =
                REPOSITORY.with(
                        file,
                        text.replace("\\n", "\n"),
                        fault == null ? "" : fault.replace("\\n", "\n"));

        assertThat(ComposeCheck.run(planted)).anySatisfy(one -> assertThat(one).contains(reported));
    }
}
