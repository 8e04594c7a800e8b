import { useQuery } from '@apollo/client/react';
import { useNavigate, useParams } from 'react-router';
import { useAct } from '../../api/use-act.ts';
import { useEditing } from '../../api/use-editing.ts';
import { useLook } from '../../api/use-look.ts';
import { useRefusal } from '../../api/use-may.ts';
import { useWrite } from '../../api/use-write.ts';
import { type RouteRowFragment, DeleteRouteDocument, RouteDocument, UpsertRouteDocument } from '../../gql/graphql.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { ConflictNotice } from '../../ui/conflict-notice.tsx';
import { DetailFrame } from '../../ui/detail-frame.tsx';
import { FormPanel } from '../../ui/form-panel.tsx';
import { RouteForm } from './route-form.tsx';
import { routeFields, routeInput } from './route-fields.ts';

/** One route: which requests get its secret, and where in them. */
export function RouteScreen() {
  const { name = '' } = useParams();
  const { data, error, refetch } = useQuery(RouteDocument, { variables: { name }, fetchPolicy: 'no-cache' });
  const done = async () => void (await refetch());
  return (
    <DetailFrame noun="route" name={name} error={error} found={data?.route}>
      {(route) => (
        <div className="narrow stack">
          <div className="head">
            <h1>{name}</h1>
            <Delete name={name} />
          </div>
          {route.problem !== null && <p className="note warn">It does nothing: {route.problem}.</p>}
          <RouteEditor route={route} reread={done} />
        </div>
      )}
    </DetailFrame>
  );
}

interface RouteEditorProps {
  readonly route: RouteRowFragment;
  readonly reread: () => Promise<void>;
}

function RouteEditor({ route, reread }: RouteEditorProps) {
  const write = useWrite(UpsertRouteDocument);
  const navigate = useNavigate();
  const { name } = route;
  const { form, task, submit, conflict } = useEditing({
    thing: route,
    fieldsOf: routeFields,
    inputOf: routeInput,
    write: (parts, ifRevision) => write({ input: { ...parts, name }, ifRevision }),
    look: useLook(RouteDocument, { name }, (data) => data.route),
    done: async () => {
      await reread();
      await navigate('/routes');
    },
  });
  return (
    <FormPanel submitLabel="Save" submit={submit} task={task} refused={useRefusal('route:update')}>
      {conflict !== undefined && <ConflictNotice {...conflict} isBusy={task.isBusy} />}
      <RouteForm form={form} />
    </FormPanel>
  );
}

function Delete({ name }: { readonly name: string }) {
  const navigate = useNavigate();
  const act = useAct(DeleteRouteDocument, () => navigate('/routes'));
  return (
    <Confirm
      label="Delete"
      title={`Delete ${name}?`}
      act={act({ name })}
      isDangerous
      refused={useRefusal('route:delete')}
    >
      From the next request on nothing is put into requests by it: agents have to send the placeholder themselves. The
      secret stays.
    </Confirm>
  );
}
