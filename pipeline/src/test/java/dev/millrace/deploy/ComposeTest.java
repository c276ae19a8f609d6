package dev.millrace.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ComposeTest {

    private static final Checkout REPOSITORY = Checkout.repository();

    @Test
    void everythingInItIsKnownAndFitsTogether() {
        assertThat(ComposeCheck.judge(REPOSITORY)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    mem_limit: 1536m                | mem_limits: 1536m                 | mem_limits
                    image: millrace:0.1.0-SNAPSHOT  | image: millrace:0.0.9             | is not of version
                    apache/kafka:4.3.1              | apache/kafka:4.3.0                | is not of version
                    postgres:18.6                   | postgres:17.6                     | is not of version
                    prom/prometheus:v3.5.0          | prom/prometheus:latest            | no fixed version
                    source:5432/shop                | source:5433/shop                  | nothing listens at source:5433
                    target:5432/crm                 | target:5432/shop                  | is no database of a service
                    PGDATABASE: shop                | PGDATABASE: shops                 | there is no such database
                    BOOTSTRAP_SERVERS: kafka:9092   | BOOTSTRAP_SERVERS: kafka:9094     | nothing listens at kafka:9094
                    PLAINTEXT://kafka:9092          | PLAINTEXT://broker:9092           | there is no host broker
                    HOST://:19092                   | HOST://:19093                     | nothing listens on port 19092
                    127.0.0.1:8080:8080             | 8080:8080                         | to others than this machine
                    127.0.0.1:8080:8080             | 127.0.0.1:8080:8081               | nothing listens on port 8081
                    127.0.0.1:8080:8080             | 127.0.0.1:3000:8080               | taken twice
                    tcp/127.0.0.1/8080              | tcp/127.0.0.1/8081                | asks port 8081
                    GET /actuator/health/readiness  | GET /actuator/health              | not served without a token
                    -h 127.0.0.1 -U                 | -U                                | while the server is being prepared
                    ./pipeline/src/compose/load:    | ./pipeline/src/compose/loads:     | there is no file
                    /millrace/millrace.yaml:ro      | /millrace/millrace.yaml:rw                | not a mount
                    condition: service_healthy      | condition: service_started        | can't become service_started
                    stop_grace_period: 90s          | stop_signal: SIGTERM              | stop_signal
                    SOURCE_URL:                     | SOURCE_ADDRESS:                   | nobody gives the variable SOURCE_URL
                    SOURCE_URL:                     | SOURCE_ADDRESS:                   | nobody reads the variable SOURCE_ADDRESS
                    KAFKA_LOG_DIRS                  | KAFKA_LOG_FOLDERS                 | nobody reads the variable KAFKA_LOG_FOLDERS
                    MILLRACE_TOKEN:?copy            | MILLRACE_TOKENS:?copy             | gives no MILLRACE_TOKENS
                    environment: GRAFANA_PASSWORD   | environment: GRAFANA_SECRET       | gives no GRAFANA_SECRET
                    - millrace-token                | - target-password                 | it is given
                    --bind, 0.0.0.0                 | --bind, 127.0.0.1                 | can't be reached from outside
                    read_only: true                 | read_only: false                  | its files can be changed
                    cap_drop: [ALL]                 | cap_drop: [CHOWN]                 | it has capabilities
                    'target-data:\n'                | 'targets-data:\n'                 | is not declared
                    DATA_DIR: /var/lib/millrace     | DATA_DIR: /tmp/millrace           | on no volume
                    grafana/dashboards/millrace     | grafana/dashboards/mill           | nothing is at
                    name: millrace                  | name:                             | name
                    """)
    void aFaultInTheComposeFileIsTold(String text, String fault, String told) {
        assertTold("docker-compose.yml", text, fault, told);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    pipeline/pom.xml                                    | <port>8080</port>      | <port>8081</port> | the image listens on 8081
                    pipeline/pom.xml                                    | <volume>/var/lib/      | <volume>/srv/     | which is no volume
                    pom.xml                                             | '<artifactId>millrace</artifactId>\n    <version>0.1.0-SNAPSHOT' | '<artifactId>millrace</artifactId>\n    <version>0.2.0' | is not of version 0.2.0
                    .env.example                                        | GRAFANA_PASSWORD=      | OTHER=            | gives no GRAFANA_PASSWORD
                    .env.example                                        | GRAFANA_PASSWORD=      | 'OTHER=x\nGRAFANA_PASSWORD=' | nobody uses OTHER
                    pipeline/src/compose/millrace.yaml                  | username               | usernam           | usernam
                    pipeline/src/compose/millrace.yaml                  | ${SOURCE_URL}          | ${SOURCE}         | SOURCE is not set
                    pipeline/src/compose/millrace.yaml                  | lower(email)           | lower(email      | crm.customer
                    pipeline/src/compose/prometheus/prometheus.yaml     | millrace:8080          | millrace:8081     | nothing listens at millrace:8081
                    pipeline/src/compose/prometheus/prometheus.yaml     | /actuator/prometheus   | /metrics          | is not served
                    pipeline/src/compose/prometheus/prometheus.yaml     | - rules.yaml           | - alerts.yaml     | there is no file alerts.yaml
                    pipeline/src/compose/prometheus/prometheus.yaml     | scrape_interval        | scrape_intervall  | scrape_intervall
                    pipeline/src/compose/prometheus/prometheus.yaml     | secrets/millrace-token | secrets/token     | and reads [token]
                    pipeline/src/compose/grafana/datasources/prometheus.yaml | prometheus:9090   | prometheus:9091   | nothing listens at prometheus:9091
                    pipeline/src/compose/grafana/dashboards/millrace.yaml    | /var/lib/grafana/dashboards | /dashboards | nothing is at /dashboards
                    pipeline/src/compose/source/02-millrace.sql         | secrets/source-password | secrets/password | and reads
                    """)
    void aFaultInAMountedFileIsTold(String file, String text, String fault, String told) {
        assertTold(file, text, fault, told);
    }

    private static void assertTold(String file, String text, String fault, String told) {
        Checkout planted =
                REPOSITORY.with(
                        file,
                        text.replace("\\n", "\n"),
                        fault == null ? "" : fault.replace("\\n", "\n"));

        assertThat(ComposeCheck.judge(planted)).anySatisfy(one -> assertThat(one).contains(told));
    }
}
