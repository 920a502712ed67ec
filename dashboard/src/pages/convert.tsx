// Convert page: files in, an operation and its parameters, the conversions of this session with their results.
import { useQueryClient } from '@tanstack/react-query';
import { WandSparkles } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { FieldError } from '../api/http.ts';
import { useDefinitions } from '../api/operations.ts';
import { t, tell } from '../text/text.ts';
import { May } from '../ui/may.tsx';
import { Bones, PageHead } from '../ui/parts.tsx';
import { Problem } from '../ui/problem.tsx';
import { ChooseOperation, describe } from './convert/choose-operation.tsx';
import { ChosenFiles, DropZone, problemOf } from './convert/drop-zone.tsx';
import { OperationList } from './convert/operation-list.tsx';
import { missing, Parameters, type Values } from './convert/parameters.tsx';
import { send, takeReturned, useSending } from './convert/sending.ts';
import { mainType } from './convert/suits.ts';

const isSame = (one: File, other: File): boolean =>
  one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;

export default function Convert() {
  const client = useQueryClient();
  const definitions = useDefinitions();
  const { returned } = useSending();
  const [files, setFiles] = useState<readonly File[]>([]);
  const [chosen, setChosen] = useState<string | null>(null);
  const [values, setValues] = useState<Values>({});
  const [errors, setErrors] = useState<readonly FieldError[]>([]);
  // Each sending begins a new choice.
  const [round, setRound] = useState(0);
  const form = useRef<HTMLFormElement>(null);
  const definition = definitions.data?.find(({ name }) => name === chosen) ?? null;
  const add = (more: readonly File[]) =>
    setFiles((known) => [...known, ...more.filter((file) => !known.some((one) => isSame(one, file)))]);
  const choose = (name: string | null) => {
    setChosen(name);
    setValues({});
    setErrors([]);
  };
  useEffect(() => {
    if (!returned) return;
    // What the server did not take is in the form again, as it was.
    setFiles(returned.files);
    setChosen(returned.operation);
    setValues(returned.parameters as Values);
    setErrors(returned.errors);
    takeReturned();
  }, [returned]);
  useEffect(() => {
    if (errors.length > 0)
      form.current?.querySelector<HTMLElement>('[aria-invalid="true"] input, [aria-invalid="true"]')?.focus();
  }, [errors]);
  const fit = definition ? files.filter((file) => problemOf(file, definition) === null) : [];
  const submit = () => {
    if (!definition) return;
    const lacking = missing(definition, values);
    setErrors(lacking);
    if (lacking.length > 0 || fit.length === 0) return;
    // An object of its own for each batch: by it those that belong together are known.
    send(client, { operation: definition.name, parameters: { ...values } }, fit);
    const rest = files.filter((file) => !fit.includes(file));
    setFiles(rest);
    // What is left wants something else.
    if (rest.length > 0) {
      choose(null);
      setRound(round + 1);
    }
  };
  return (
    <>
      <PageHead title={t('nav.convert')} about={t('convert.about')} />
      <div className="watch convert">
        <May scope="write">
          <div className="stack">
            <DropZone isSmall={files.length > 0} onFiles={add} />
            {files.length > 0 && (
              <ChosenFiles
                files={files}
                definition={definition}
                onRemove={(file) => setFiles(files.filter((one) => one !== file))}
              />
            )}
            {definitions.error && <Problem error={definitions.error} retry={() => void definitions.refetch()} />}
            {definitions.isLoading && <Bones rows={6} />}
            {definitions.data && (
              <form
                ref={form}
                noValidate
                className="card padded stack convert-form"
                onSubmit={(event) => {
                  event.preventDefault();
                  submit();
                }}
              >
                <ChooseOperation
                  key={round}
                  definitions={definitions.data}
                  files={files}
                  type={mainType(files)}
                  chosen={chosen}
                  onChoose={choose}
                />
                {definition && (
                  <fieldset className="stack">
                    <legend className="step">{tell('operation', definition.name)}</legend>
                    <p className="quiet small">{describe(definition.name, definition.description)}</p>
                    <Parameters
                      definition={definition}
                      values={values}
                      errors={errors}
                      onChange={(next) => {
                        setValues(next);
                        setErrors([]);
                      }}
                    />
                  </fieldset>
                )}
                <div className="row go">
                  <button type="submit" className="button primary" disabled={!definition || fit.length === 0}>
                    <WandSparkles size={16} aria-hidden />
                    {fit.length > 0 ? t('convert.go.n', { n: fit.length }) : t('convert.go')}
                  </button>
                  <span className="small quiet" role="status">
                    {files.length === 0
                      ? t('convert.hint.files')
                      : !definition
                        ? t('convert.hint.operation')
                        : fit.length < files.length
                          ? t('convert.hint.left', { n: files.length - fit.length })
                          : ''}
                  </span>
                </div>
              </form>
            )}
          </div>
        </May>
        <OperationList />
      </div>
    </>
  );
}
