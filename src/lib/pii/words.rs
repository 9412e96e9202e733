//! The words that the rules know, in classes.
//!
//! The words of the patterns stand here; names of people and places are files beside this one,
//! one a line.

/// A set of meanings, one bit each: a word may have several.
pub(crate) type Class = u32;

pub(crate) const FIRST: Class = 1;
pub(crate) const LAST: Class = 1 << 1;
/// A name that is an ordinary word as well.
pub(crate) const AMBIGUOUS: Class = 1 << 2;
pub(crate) const TITLE: Class = 1 << 3;
pub(crate) const GREETING: Class = 1 << 4;
pub(crate) const CLOSING: Class = 1 << 5;
pub(crate) const COMPANY: Class = 1 << 6;
/// The head of a name of an institution: "University of …", "Stadtwerke …".
pub(crate) const INSTITUTION: Class = 1 << 7;
pub(crate) const STREET: Class = 1 << 8;
pub(crate) const PLACE: Class = 1 << 9;
pub(crate) const MONTH: Class = 1 << 10;
pub(crate) const PASSWORD: Class = 1 << 11;
pub(crate) const SECRET: Class = 1 << 12;
pub(crate) const USER: Class = 1 << 13;
pub(crate) const BIRTH: Class = 1 << 14;
pub(crate) const PHONE: Class = 1 << 15;
pub(crate) const ID: Class = 1 << 16;
pub(crate) const CARD: Class = 1 << 17;
pub(crate) const PLATE: Class = 1 << 18;
pub(crate) const MONEY: Class = 1 << 19;
pub(crate) const GEO: Class = 1 << 20;
/// What is said before a name: "name", "patient".
pub(crate) const PERSON: Class = 1 << 21;
pub(crate) const PARTICLE: Class = 1 << 22;
/// What is said before a place: "in", "nach", "à".
pub(crate) const WHERE: Class = 1 << 23;
/// A word that people capitalise, yet no name.
pub(crate) const COMMON: Class = 1 << 24;
/// A verb that joins a label to its value: "is", "lautet".
pub(crate) const EQUALS: Class = 1 << 25;
/// Says that a number is a version, an order, a quantity.
pub(crate) const NO_PERSON: Class = 1 << 26;
/// The name of a well-known organisation.
pub(crate) const KNOWN_COMPANY: Class = 1 << 27;

/// How known keys begin: `sk-…`, `xoxb-…`.
pub(crate) const KEY_HEAD: Class = 1 << 28;

/// Meanings that the last part of a name such as `db_password` has too.
pub(crate) const LABELS: Class = PASSWORD | SECRET | USER | PHONE | ID | CARD | PLATE | GEO | BIRTH;

const WORDS: &[(Class, &str)] = &[
    (
        TITLE,
        "mr mrs ms miss mister madam sir dr prof professor herr herrn frau hr fr dipl monsieur \
        madame mademoiselle mme mlle maître señor señora señorita sr sra srta don doña doctor \
        doctora signor signora signorina sig sig.ra dott dottor dottoressa dottore avv ing meneer \
        mevrouw dhr mevr senhor senhora dra capt captain col lt sgt rev judge sergeant officer",
    ),
    (
        GREETING,
        "dear hi hello hey hallo liebe lieber servus moin cher chère chers bonjour salut \
        coucou hola querido querida estimado estimada caro cara ciao buongiorno gentile egregio \
        beste geachte dag olá prezado prezada goedemorgen thanks thank danke merci gracias grazie",
    ),
    (
        CLOSING,
        "regards sincerely cheers yours greetings grüße grüßen grüsse grüssen gruß gruss \
        hochachtungsvoll cordialement amicalement bises salutations saludos atentamente abrazo \
        cordiali saluti groeten groet abraços cordialmente affettuosamente abrazos",
    ),
    (
        COMPANY,
        "gmbh ag kg ohg ug mbh inc ltd llc llp plc corp corporation sarl sas spa srl bv nv \
        ab oy oyj limited company sccl gbr kgaa pty s.a incorporated ltda gruppe holdings",
    ),
    (
        INSTITUTION,
        "university universität université universidad università universiteit hochschule \
        college hospital klinik klinikum krankenhaus hôpital ospedale ziekenhuis stadtwerke bank \
        sparkasse banque banco banca institut institute institutet clinique caja klinika versicherung finanzamt amtsgericht \
        gymnasium lycée ministerium ministry ministère ministerio ministero clinic clínica clinica \
        foundation stiftung verein association society consulting logistics ingenieure",
    ),
    (
        KNOWN_COMPANY,
        "google microsoft siemens bosch volkswagen telekom vodafone netflix facebook \
        lufthansa airbus allianz ikea samsung nestlé novartis philips renault peugeot telefónica \
        santander bbva ryanair deloitte kpmg accenture paypal spotify zalando unicredit fiat \
        heineken unilever nokia ericsson intel nvidia ibm oracle bmw daimler commerzbank carrefour",
    ),
    (
        STREET,
        "street avenue road lane boulevard drive court square terrace crescent st ave rd blvd \
        ln dr ct straße strasse str weg platz allee gasse ring damm ufer chaussee rue quai impasse \
        chemin calle avenida paseo plaza carrer viale piazza corso vicolo laan straat plein gracht \
        kade rua praça travessa av via place allée",
    ),
    (
        PASSWORD,
        "password passwd pwd pass passphrase passcode kennwort passwort passe contraseña clave \
        wachtwoord senha mdp pin passw losungswort",
    ),
    (
        SECRET,
        "secret token apikey key bearer auth authorization credential credentials accesskey \
        secretkey schlüssel geheimnis clé jeton signature cookie session sessionid sid jwt api_key \
        secret_key access_key access_token private_key client_secret",
    ),
    (
        USER,
        "user username login userid benutzer benutzername utilisateur usuario utente gebruiker \
        gebruikersnaam handle nickname nick uid account usuário anmeldename identifiant konto",
    ),
    (
        BIRTH,
        "born birth birthday dob birthdate geboren geb geburtsdatum geburtstag né née naissance \
        nacido nacida nacimiento nato nata nascita geboortedatum geboren nascimento nascido \
        nací nació naci cumpleaños anniversaire compleanno",
    ),
    (
        PHONE,
        "phone tel telephone mobile cell call fax telefon telefonnummer handy mobil mobilnummer \
        rufnummer téléphone portable móvil movil teléfono telefono cellulare telefoon mobiel \
        telefone celular whatsapp anrufen appeler llamar chiamare mobiele",
    ),
    (
        ID,
        "ssn social security tin itin nino insurance nhs steuer steuernummer steuerid idnr \
        identifikationsnummer sozialversicherungsnummer sv rvnr ausweis personalausweis passport \
        reisepass nir insee sécu sécurité sociale dni nie nif cif fiscal codice fiscale bsn \
        burgerservicenummer rijksregisternummer niss registre pesel cpf cnpj aadhaar aadhar pan \
        personnummer hetu henkilötunnus cpr fødselsnummer personnr sin tfn medicare rrn tc kimlik \
        curp cuit cuil rut run inn snils ahv avs cnp egn rodné pps ppsn amka oib isikukood nric \
        teudat zehut identity national id identidad identité identità identiteit nummer número \
        contribuinte mynumber resident steuernr taxpayer tax",
    ),
    (
        CARD,
        "card visa mastercard amex kreditkarte kreditkartennummer karte carte tarjeta carta \
        creditcard maestro cartão kartennummer discover diners jcb",
    ),
    (
        PLATE,
        "plate plates licence license registration kennzeichen nummernschild immatriculation \
        immatriculé immatriculée plaque matrícula matricula targa targato kenteken placa vehicle",
    ),
    (
        MONEY,
        "eur usd gbp chf jpy cny sek nok dkk pln czk huf inr brl cad aud nzd mxn zar try rub \
        euro euros dollar dollars pounds pfund franken francs kronor zł bucks cents pesos rupees \
        btc eth złotych",
    ),
    (
        GEO,
        "lat lon lng latitude longitude gps coordinates koordinaten coordonnées coordenadas \
        coordinate breite länge location geo position",
    ),
    (
        PERSON,
        "name patient patientin client kunde kundin customer employee mitarbeiter mitarbeiterin \
        nom prénom nombre apellido apellidos nome cognome naam voornaam vorname nachname firstname \
        lastname fullname surname contact ansprechpartner ansprechpartnerin attn sender from \
        signed author owner guest driver tenant mieter mieterin cliente paziente klant paciente",
    ),
    (
        PARTICLE,
        "von van de del della der den ter ten du la le di da dos das bin ibn al el zu zum af y",
    ),
    (
        WHERE,
        "in near at to from nach aus bei à en a per naar uit em visit visiting lives wohnt \
        habite vive abita woont living based wohnhaft",
    ),
    (EQUALS, "is ist lautet est es è was war équals são sei fue"),
    (KEY_HEAD, "sk pk rk xoxb xoxp xoxa xoxs xoxr glpat sg begin"),
    (
        NO_PERSON,
        "version v ver build port pid status size bytes code line order invoice rechnung \
        bestellung factura facture fattura commande pedido ordine bestelling page seite ref \
        reference ticket release kernel rev row count total offset length firmware",
    ),
    (
        COMMON,
        "the this that these those we you he she it they i and or but if when where what who \
        why how yes no not please thanks thank best kind warm our your my his her its their der die \
        das ein eine wir sie ihr er es ich und oder aber wenn wann wo was wer warum wie ja nein \
        nicht bitte danke mit viele freundlichen le la les un une nous vous ils elle il je tu et ou \
        mais si quand où quoi qui pourquoi comment oui non ne merci bien el los las uno una \
        nosotros usted ellos yo y o pero cuando donde qué quién por para cómo sí gracias muchas \
        lo gli noi voi io e ma se quando dove cosa chi perché come sì grazie team sales support \
        service all everyone colleagues sirs madam damen herren alle zusammen kollegen tous toutes \
        todos todas tutti equipo équipe monday tuesday wednesday thursday friday saturday sunday \
        montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi \
        vendredi samedi dimanche lunes martes miércoles jueves viernes sábado domingo lunedì martedì \
        mercoledì giovedì venerdì sabato domenica error warning info debug notice failed accepted \
        invalid server client email mail phone address street subject date telefon adresse betreff \
        datum objet fecha oggetto asunto teléfono téléphone telefono correo call hope see let can \
        could would should will did does do has have had was were are is am be been at on in to \
        from for with by of as so then there here today tomorrow yesterday heute morgen gestern \
        aujourd demain hier hoy mañana ayer oggi domani ieri maandag dinsdag woensdag donderdag \
        vrijdag zaterdag zondag new old first last next iban ssn dni nif bsn also just after before \
        termin vertrag rechnung zahlung konto grüße gruß regards mfg bonjour hola ciao hello hi \
        monsieur madame señor señora signor signora herr frau mr mrs ms dr invoice order payment \
        contract meeting account number code id user password login token passwort kennwort sehr \
        geehrte geehrter geehrten liebe lieber dear cher chère estimado estimada querido querida \
        gentile caro cara beste geachte hallo goedemorgen guten tag buongiorno buenos días bon ps \
        zeit uhr woche monat jahr frage antwort anfrage projekt nachricht grazie merci dank",
    ),
];

/// Months in the languages known, with their number.
const MONTHS: &[(u32, &str)] = &[
    (1, "january jan januar jänner janvier enero ene gennaio gen januari janeiro"),
    (2, "february feb februar février févr febrero febbraio februari fevereiro"),
    (3, "march mar märz mär mars marzo maart março"),
    (4, "april apr avril avr abril abr aprile"),
    (5, "may mai mayo maggio mag mei maio"),
    (6, "june jun juni juin junio giugno giu junho"),
    (7, "july jul juli juillet juil julio luglio lug julho"),
    (8, "august aug août agosto ago augustus"),
    (9, "september sep sept septembre septiembre settembre set setembro"),
    (10, "october oct oktober okt octobre octubre ottobre ott outubro"),
    (11, "november nov novembre noviembre novembro"),
    (12, "december dec dezember dez décembre déc diciembre dic dicembre dezembro"),
];

const FILES: &[(Class, &str)] = &[
    (FIRST, include_str!("words/first-names.txt")),
    (LAST, include_str!("words/surnames.txt")),
    (AMBIGUOUS, include_str!("words/ambiguous.txt")),
    (PLACE, include_str!("words/places.txt")),
];

/// Shows `see` every word with its class.
pub(crate) fn each(names: bool, see: &mut dyn FnMut(&str, Class)) {
    for (class, words) in WORDS {
        words.split_whitespace().for_each(|word| see(word, *class));
    }
    for (_, words) in MONTHS {
        words.split_whitespace().for_each(|word| see(word, MONTH));
    }
    if names {
        for (class, file) in FILES {
            let words = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            words.for_each(|word| see(word, *class));
        }
    }
}

/// The number of a month, 1 to 12.
pub(crate) fn month(word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    let found = MONTHS.iter().find(|(_, names)| names.split_whitespace().any(|name| name == word));
    found.map(|(number, _)| *number)
}
