import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { api } from "../api/client";
import { enrol } from "../api/passkey";
import type { Key } from "../api/types";
import { moment } from "../model/time";
import { Dialog } from "../parts/Dialog";
import styles from "../parts/parts.module.css";
import { Loading, Problem } from "../parts/States";
import { Visible } from "../parts/Text";
import { say } from "../parts/toast";

type Doing = "list" | "first" | "person" | "key";

/** Who the people are, and what each signs with. A person is one, however many keys they have. */
export function Passkeys({ close }: { close: () => void }) {
  const people = useQuery({ queryKey: ["people"], queryFn: api.people });
  const [doing, does] = useState<Doing>("list");
  const back = () => does("list");
  if (!people.data) {
    return (
      <Dialog title="Passkeys" close={close}>
        {people.error ? <Problem error={people.error} /> : <Loading what="people" />}
      </Dialog>
    );
  }
  if (people.data.people.length === 0 || doing === "first") return <First close={close} />;
  if (doing === "person") return <Person close={back} />;
  if (doing === "key") return <AnotherKey close={back} />;
  const { people: all, you } = people.data;
  return (
    <Dialog title="Passkeys" close={close}>
      <p className={styles.note}>
        Whatever changes something asks for a passkey, which an agent does not have. A rule that wants two
        people counts people, not keys.
      </p>
      <ul className={styles.people}>
        {all.map((it) => (
          <li key={it.person}>
            <p>
              <b>
                <Visible text={it.name || it.person} />
              </b>{" "}
              <span className={styles.note}>
                {it.role === "admin" ? "may do everything" : "answers and holds"}
                {it.person === you && " · you"}
              </span>
            </p>
            <ul>
              {it.keys.map((key) => (
                <OneKey key={key.id} it={key} />
              ))}
            </ul>
          </li>
        ))}
      </ul>
      <div className={styles.choices}>
        <button type="button" className={styles.button} onClick={close}>
          Close
        </button>
        <button type="button" className={styles.button} onClick={() => does("person")}>
          Add a person…
        </button>
        <button type="button" className={`${styles.button} ${styles.primary}`} onClick={() => does("key")}>
          Add a key of yours…
        </button>
      </div>
    </Dialog>
  );
}

function OneKey({ it }: { it: Key }) {
  const queries = useQueryClient();
  const [sure, make] = useState(false);
  const revoke = useMutation({
    mutationFn: () => api.revoke(it.id),
    onSuccess: () => {
      say("the passkey is revoked");
      void queries.invalidateQueries();
    },
  });
  return (
    <li>
      <span>
        <Visible text={it.name} /> <span className={styles.note}>{moment(it.at)}</span>
      </span>
      <button
        type="button"
        className={`${styles.button} ${sure ? styles.danger : ""}`}
        disabled={revoke.isPending}
        onClick={() => (sure ? revoke.mutate() : make(true))}
      >
        {sure ? "Revoke it, by a passkey" : "Revoke…"}
        <span className="only-read">: {it.name}</span>
      </button>
      <Problem error={revoke.error} />
    </li>
  );
}

/** Makes a passkey in this browser, for what was begun. */
function useMaking(
  begin: () => Promise<PublicKeyCredentialCreationOptionsJSON>,
  close: () => void,
  said: string,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => api.enrolFinish(await enrol(await begin())),
    onSuccess: () => {
      say(said);
      void queries.invalidateQueries();
      close();
    },
  });
}

interface FormProps {
  title: string;
  submit: string;
  making: { mutate: () => void; isPending: boolean; error: unknown };
  close: () => void;
  children: ReactNode;
}

function Form({ title, submit, making, close, children }: FormProps) {
  return (
    <Dialog title={title} close={close}>
      <form
        className={styles.inside}
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          making.mutate();
        }}
      >
        {children}
        <Problem error={making.error} />
        <div className={styles.choices}>
          <button type="button" className={styles.button} onClick={close}>
            Cancel
          </button>
          <button type="submit" className={`${styles.button} ${styles.primary}`} disabled={making.isPending}>
            {submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Field({ label, value, change }: { label: string; value: string; change: (to: string) => void }) {
  return (
    <label className={styles.field}>
      {label}
      <input
        value={value}
        maxLength={60}
        autoComplete="off"
        spellCheck={false}
        required
        onChange={(it) => change(it.target.value)}
      />
    </label>
  );
}

/** The code that only the terminal of the daemon shows; each serves once, for minutes. */
function Code({ value, change }: { value: string; change: (to: string) => void }) {
  const show = useMutation({ mutationFn: api.showCode, onSuccess: () => say("look at the terminal") });
  return (
    <>
      <Field label="Code" value={value} change={change} />
      <p className={styles.note}>
        It stands in the terminal of <code>ringfence serve</code>, where no agent sees it, and serves once,
        for ten minutes.{" "}
        <button
          type="button"
          className={styles.plain}
          disabled={show.isPending}
          onClick={() => show.mutate()}
        >
          Show a new one there
        </button>
      </p>
      <Problem error={show.error} />
    </>
  );
}

/** The first person of all: may do everything. */
function First({ close }: { close: () => void }) {
  const [code, setCode] = useState("");
  const [person, setPerson] = useState("");
  const begin = () => api.enrolFirst(code.trim(), person.trim(), "first key");
  const making = useMaking(begin, close, "the passkey is enrolled");
  return (
    <Form title="Enrol a passkey" submit="Enrol" making={making} close={close}>
      <p>Whatever changes something asks for a passkey, which an agent does not have.</p>
      <Code value={code} change={setCode} />
      <Field label="Your name, as colleagues know you" value={person} change={setPerson} />
    </Form>
  );
}

/** Somebody else: an admin signs for them first, then they make their own key. */
function Person({ close }: { close: () => void }) {
  const [code, setCode] = useState("");
  const [person, setPerson] = useState("");
  const begin = () => api.enrolOther(code.trim(), person.trim(), "first key");
  const making = useMaking(begin, close, "one more person can answer");
  return (
    <Form title="Add a person" submit="Sign for them, then enrol" making={making} close={close}>
      <p>
        An admin signs for somebody new, who then makes a passkey of their own here. They answer what is asked
        and hold sessions, and change no rules.
      </p>
      <Code value={code} change={setCode} />
      <Field label="Their name, as colleagues know them" value={person} change={setPerson} />
    </Form>
  );
}

function AnotherKey({ close }: { close: () => void }) {
  const [name, setName] = useState("");
  const making = useMaking(() => api.enrolKey(name.trim()), close, "the key is yours");
  return (
    <Form title="Add a key of yours" submit="Sign, then enrol" making={making} close={close}>
      <p>Sign with a passkey that you have; then make the new one. Both are you.</p>
      <Field label="What it is called" value={name} change={setName} />
    </Form>
  );
}
