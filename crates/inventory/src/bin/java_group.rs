//! Maven's groups of archives that say nothing of it, by how their names begin. What a bundle
//! is called elsewhere is no group: `slf4j-api` calls itself `slf4j.api`.

/// Names, and names that begin so where a dash is last; each with its group in Maven's central
/// repository. Sorted, so that the longest that fits is the last that does.
static GROUPS: &[(&str, &str)] = &[
    ("activemq-", "org.apache.activemq"),
    ("ant", "org.apache.ant"),
    ("ant-", "org.apache.ant"),
    ("antlr4-", "org.antlr"),
    ("asm", "org.ow2.asm"),
    ("asm-", "org.ow2.asm"),
    ("avro", "org.apache.avro"),
    ("bcpkix-", "org.bouncycastle"),
    ("bcprov-", "org.bouncycastle"),
    ("byte-buddy", "net.bytebuddy"),
    ("camel-", "org.apache.camel"),
    ("commons-beanutils", "commons-beanutils"),
    ("commons-cli", "commons-cli"),
    ("commons-codec", "commons-codec"),
    ("commons-collections", "commons-collections"),
    ("commons-collections4", "org.apache.commons"),
    ("commons-compress", "org.apache.commons"),
    ("commons-configuration2", "org.apache.commons"),
    ("commons-csv", "org.apache.commons"),
    ("commons-dbcp2", "org.apache.commons"),
    ("commons-digester", "commons-digester"),
    ("commons-email", "org.apache.commons"),
    ("commons-fileupload", "commons-fileupload"),
    ("commons-httpclient", "commons-httpclient"),
    ("commons-io", "commons-io"),
    ("commons-jxpath", "commons-jxpath"),
    ("commons-lang", "commons-lang"),
    ("commons-lang3", "org.apache.commons"),
    ("commons-logging", "commons-logging"),
    ("commons-net", "commons-net"),
    ("commons-pool2", "org.apache.commons"),
    ("commons-text", "org.apache.commons"),
    ("cxf-", "org.apache.cxf"),
    ("derby", "org.apache.derby"),
    ("dom4j", "org.dom4j"),
    ("gson", "com.google.code.gson"),
    ("guava", "com.google.guava"),
    ("guice", "com.google.inject"),
    ("h2", "com.h2database"),
    ("hazelcast", "com.hazelcast"),
    ("hibernate-core", "org.hibernate.orm"),
    ("hibernate-validator", "org.hibernate.validator"),
    ("hsqldb", "org.hsqldb"),
    ("httpclient", "org.apache.httpcomponents"),
    ("httpclient5", "org.apache.httpcomponents.client5"),
    ("httpcore", "org.apache.httpcomponents"),
    ("httpcore5", "org.apache.httpcomponents.core5"),
    ("jackson-annotations", "com.fasterxml.jackson.core"),
    ("jackson-core", "com.fasterxml.jackson.core"),
    ("jackson-core-asl", "org.codehaus.jackson"),
    ("jackson-databind", "com.fasterxml.jackson.core"),
    ("jackson-dataformat-", "com.fasterxml.jackson.dataformat"),
    ("jackson-datatype-", "com.fasterxml.jackson.datatype"),
    ("jackson-mapper-asl", "org.codehaus.jackson"),
    ("jackson-module-", "com.fasterxml.jackson.module"),
    ("jersey-client", "org.glassfish.jersey.core"),
    ("jersey-common", "org.glassfish.jersey.core"),
    ("jersey-server", "org.glassfish.jersey.core"),
    ("jetty-", "org.eclipse.jetty"),
    ("joda-time", "joda-time"),
    ("json-path", "com.jayway.jsonpath"),
    ("json-smart", "net.minidev"),
    ("jsoup", "org.jsoup"),
    ("junit", "junit"),
    ("kafka-clients", "org.apache.kafka"),
    ("kafka_2.12", "org.apache.kafka"),
    ("kafka_2.13", "org.apache.kafka"),
    ("kotlin-", "org.jetbrains.kotlin"),
    ("log4j", "log4j"),
    ("log4j-", "org.apache.logging.log4j"),
    ("logback-", "ch.qos.logback"),
    ("lucene-", "org.apache.lucene"),
    ("mariadb-java-client", "org.mariadb.jdbc"),
    ("micrometer-", "io.micrometer"),
    ("mina-core", "org.apache.mina"),
    ("mybatis", "org.mybatis"),
    ("mysql-connector-j", "com.mysql"),
    ("mysql-connector-java", "mysql"),
    ("netty", "io.netty"),
    ("netty-", "io.netty"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("pdfbox", "org.apache.pdfbox"),
    ("poi", "org.apache.poi"),
    ("poi-", "org.apache.poi"),
    ("postgresql", "org.postgresql"),
    ("protobuf-java", "com.google.protobuf"),
    ("quartz", "org.quartz-scheduler"),
    ("reactor-core", "io.projectreactor"),
    ("scala-library", "org.scala-lang"),
    ("shiro-", "org.apache.shiro"),
    ("slf4j-", "org.slf4j"),
    ("snakeyaml", "org.yaml"),
    ("snappy-java", "org.xerial.snappy"),
    ("spring-", "org.springframework"),
    ("spring-ai-", "org.springframework.ai"),
    ("spring-amqp", "org.springframework.amqp"),
    ("spring-batch-", "org.springframework.batch"),
    ("spring-boot", "org.springframework.boot"),
    ("spring-boot-", "org.springframework.boot"),
    ("spring-boot-admin-", "de.codecentric"),
    ("spring-cloud-", "org.springframework.cloud"),
    ("spring-data-", "org.springframework.data"),
    ("spring-graphql", "org.springframework.graphql"),
    ("spring-graphql-", "org.springframework.graphql"),
    ("spring-hateoas", "org.springframework.hateoas"),
    ("spring-integration-", "org.springframework.integration"),
    ("spring-kafka", "org.springframework.kafka"),
    ("spring-kafka-", "org.springframework.kafka"),
    ("spring-ldap-", "org.springframework.ldap"),
    ("spring-modulith-", "org.springframework.modulith"),
    ("spring-plugin-", "org.springframework.plugin"),
    ("spring-rabbit", "org.springframework.amqp"),
    ("spring-rabbit-", "org.springframework.amqp"),
    ("spring-restdocs-", "org.springframework.restdocs"),
    ("spring-retry", "org.springframework.retry"),
    ("spring-security-", "org.springframework.security"),
    (
        "spring-security-oauth",
        "org.springframework.security.oauth",
    ),
    (
        "spring-security-oauth2",
        "org.springframework.security.oauth",
    ),
    ("spring-session-", "org.springframework.session"),
    ("spring-shell-", "org.springframework.shell"),
    ("spring-statemachine-", "org.springframework.statemachine"),
    ("spring-vault-", "org.springframework.vault"),
    ("spring-webflow", "org.springframework.webflow"),
    ("spring-ws-", "org.springframework.ws"),
    ("spring-xml", "org.springframework.ws"),
    ("sqlite-jdbc", "org.xerial"),
    ("struts2-", "org.apache.struts"),
    ("thymeleaf", "org.thymeleaf"),
    ("tika-", "org.apache.tika"),
    ("tomcat-", "org.apache.tomcat"),
    ("tomcat-embed-", "org.apache.tomcat.embed"),
    ("undertow-", "io.undertow"),
    ("velocity", "org.apache.velocity"),
    ("velocity-engine-core", "org.apache.velocity"),
    ("xalan", "xalan"),
    ("xercesImpl", "xerces"),
    ("xstream", "com.thoughtworks.xstream"),
    ("zookeeper", "org.apache.zookeeper"),
];

/// Archives that had another group before a version: name, the first number of the version, the
/// group before.
static MOVED: &[(&str, u64, &str)] = &[
    ("dom4j", 2, "dom4j"),
    ("hibernate-core", 6, "org.hibernate"),
    ("hibernate-validator", 6, "org.hibernate"),
    ("okhttp", 3, "com.squareup.okhttp"),
];

/// What the table says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub group: &'static str,
    /// Whether it has the whole name, and not only its beginning.
    pub whole: bool,
}

/// Returns what the table says of a name at a version, if it has it.
pub(super) fn of(name: &str, version: Option<&str>) -> Option<Known> {
    let fits = |known: &str| known == name || (known.ends_with('-') && name.starts_with(known));
    let (known, group) = GROUPS.iter().rfind(|(known, _)| fits(known))?;
    let before = MOVED.iter().find(|(moved, since, _)| {
        let first = version.and_then(|version| version.split('.').next()?.parse::<u64>().ok());
        *moved == name && first.is_some_and(|first| first < *since)
    });
    Some(Known {
        group: before.map_or(*group, |(_, _, before)| before),
        whole: *known == name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names_and_beginnings() {
        let at = |name, version| of(name, version).map(|known| known.group);
        let of = |name| at(name, None);
        assert_eq!(of("slf4j-api"), Some("org.slf4j"));
        assert_eq!(of("spring-core"), Some("org.springframework"));
        assert_eq!(
            of("spring-boot-starter-web"),
            Some("org.springframework.boot")
        );
        assert_eq!(of("spring-kafka"), Some("org.springframework.kafka"));
        assert_eq!(
            of("spring-session-core"),
            Some("org.springframework.session")
        );
        assert_eq!(of("log4j"), Some("log4j"));
        assert_eq!(of("log4j-core"), Some("org.apache.logging.log4j"));
        assert_eq!(of("guava-testlib"), None);
        assert_eq!(of("app"), None);
        assert_eq!(of("hibernate-core"), Some("org.hibernate.orm"));
        assert_eq!(
            at("hibernate-core", Some("5.6.15.Final")),
            Some("org.hibernate")
        );
        assert_eq!(
            at("hibernate-core", Some("10.0")),
            Some("org.hibernate.orm")
        );
        assert_eq!(
            at("hibernate-validator", Some("5.4.3.Final")),
            Some("org.hibernate")
        );
    }

    #[test]
    fn is_sorted() {
        assert!(GROUPS.is_sorted_by(|a, b| a.0 < b.0));
        for (name, _, _) in MOVED {
            assert!(GROUPS.iter().any(|(known, _)| known == name), "{name}");
        }
    }
}
